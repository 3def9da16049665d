/** Small messages with one attachment, as an ordinary client makes them. */

export interface Mail {
  readonly subject?: string;
  readonly text?: string;
  readonly name?: string;
  readonly type?: string;
  readonly bytes?: Buffer;
  /** Header lines as they are. */
  readonly fields?: readonly string[];
}

/** RFC 2047 and RFC 2231 for what is not plain ASCII, so that any character gets through. */
const word = (text: string): string =>
  /^[\x20-\x7e]*$/.test(text) ? text : `=?utf-8?B?${Buffer.from(text).toString("base64")}?=`;
const parameter = (text: string): string =>
  /^[\x20-\x7e]*$/.test(text) ? `filename="${text}"` : `filename*=utf-8''${encodeURIComponent(text)}`;

export function mail(given: Mail = {}): Buffer {
  const { subject = "test", text = "Hello", name = "file.bin", type = "application/octet-stream", bytes } = given;
  const head = [
    "From: sender@client.test",
    "To: recipient@bench.test",
    `Subject: ${word(subject)}`,
    "Date: Sun, 22 Nov 2026 10:00:00 +0900",
    "Message-ID: <made@client.test>",
    "MIME-Version: 1.0",
    ...(given.fields ?? []),
  ];
  const body = ["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", text];
  if (!bytes) return Buffer.from([...head, ...body, ""].join("\r\n"));
  const attachment = [
    `Content-Type: ${type}`,
    `Content-Disposition: attachment; ${parameter(name)}`,
    "Content-Transfer-Encoding: base64",
    "",
    bytes.toString("base64").replace(/.{1,76}(?!$)/g, "$&\r\n"),
  ];
  const lines = [
    ...head,
    "Content-Type: multipart/mixed; boundary=b",
    "",
    "--b",
    ...body,
    "--b",
    ...attachment,
    "--b--",
  ];
  return Buffer.from([...lines, ""].join("\r\n"));
}
