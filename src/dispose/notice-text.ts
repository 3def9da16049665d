/** What all mail of our own is made of: dates, fields on one line, parts that every relay takes. RFC 5322, RFC 2045. */

export const mailDate = (date: Date): string => date.toUTCString().replace("GMT", "+0000");

/** Addresses have been checked at RCPT; that they cannot forge a field holds here too. */
export const oneLine = (text: string): string => text.replace(/[\x00-\x1f\x7f]/g, "?");

/** Plain where every relay takes it, else base64: that neither needs 8BITMIME nor can it hold our boundary. */
export function part(type: string, content: string | Buffer): string {
  const octets = Buffer.from(content);
  const text = octets.toString("latin1");
  const isPlain = /^[\t\r\n\x20-\x7e]*$/.test(text) && !/[^\n]{998}|^--/m.test(text);
  const body = isPlain ? text : octets.toString("base64").replace(/.{1,76}/g, "$&\r\n");
  return `Content-Type: ${type}\r\nContent-Transfer-Encoding: ${isPlain ? "7bit" : "base64"}\r\n\r\n${body}`;
}
