/** Undoes what Microsoft's script encoder did (JScript.Encode, VBScript.Encode). The tables are those of its one version; by observation, there is no specification. */

/** What the octet 9, then those from 32 to 127 stand for, in each of three alphabets. */
const alphabets = [
  "572e477a56426a2f26494134325b7672433839704568714f09624423754a7e4a5e40774a615d224b6f4e3b4c50672a7d74542b2d2c306e6b66352521644d52633f7b7829287359337f6d55537c3a5f65465831696c5a48275c3d24793760512036",
  "6e2d755260715e495c627d2936207c7a7f6b63332b68516676316454434c3a4c7e4c452c2a7427374479592f6f26726a397b3f387767534734785d30235a5b6c485570692e4c21244e5009567335614b583b57226d4d2528464a32413d5f4f4265",
  "7b323021295b38333d583a3565395c5673664e456b6259785e7d4a6d714160415340422748727531374d5222546a47642d207f2e4c5d7e6c6f797443267625242b28234134092a443f773b55696163506751494f46687c36706e7a2f5f4b5a2c57",
].map((digits) => Buffer.from(digits, "hex"));

/** Which alphabet is next. */
const order = "0120121221210212021200122102122100212120200120210212001220012021";

const begin = "#@~^";
const end = "^#~@";
/** Length, its padding; sum and its padding. */
const headBytes = 8;
const escapes: Readonly<Record<string, string>> = { "&": "\n", "#": "\r", "*": ">", "!": "<", $: "@" };

/** Control characters, angle brackets and @ stand for themselves. */
function placeOf(code: number): number | null {
  if (code === 9) return 0;
  return code > 31 && code !== 0x3c && code !== 0x3e && code !== 0x40 ? code - 31 : null;
}

function decodeOne(text: string): string {
  const out: string[] = [];
  let index = 0;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] ?? "";
    const code = text.charCodeAt(at);
    if (code > 127) {
      out.push(letter);
      continue;
    }
    const alphabet = alphabets[Number(order[index++ % order.length])];
    const escaped = code === 0x40 ? escapes[text[at + 1] ?? ""] : undefined;
    if (escaped !== undefined) at++;
    const place = placeOf(code);
    out.push(escaped ?? (place === null ? letter : String.fromCharCode(alphabet?.[place] ?? code)));
  }
  return out.join("");
}

/** Every encoded stretch of the text, in clear. One that breaks off is read to the end. */
export function decodeEncodedScripts(text: string): string[] {
  const found: string[] = [];
  for (let at = text.indexOf(begin); at >= 0; ) {
    const start = at + begin.length + headBytes;
    const stop = text.indexOf(end, start);
    const last = stop < 0 ? text.length : stop;
    // In front of the end stands a sum of eight letters.
    if (start < last) found.push(decodeOne(text.slice(start, Math.max(start, last - (stop < 0 ? 0 : headBytes)))));
    at = text.indexOf(begin, last);
  }
  return found;
}
