/** Instructions of a document's fields: what is updated, fetched or started when it is opened. ECMA-376 part 1 §17.16, [MS-DOC] §2.8.25 */

/** Marks of a field in text: its instruction begins, its result begins, it ends. */
export const fieldBegin = "\x13";
export const fieldResult = "\x14";
export const fieldEnd = "\x15";

const mostFields = 20_000;
const longest = 4096;

interface Open {
  instruction: string;
  result: string;
  inResult: boolean;
}

const joined = (text: string, piece: string): string =>
  text.length >= longest ? text : (text + piece).slice(0, longest);

/** Numbers stand for characters. ECMA-376 part 1 §17.16.5.51 */
function quoted(instruction: string): string | null {
  const numbers = /^\s*QUOTE\s+([\d\s]{1,4000})$/i.exec(instruction)?.[1];
  if (numbers === undefined) return null;
  return numbers
    .trim()
    .split(/\s+/)
    .map((code) => String.fromCharCode(Number(code) & 0xffff))
    .join("");
}

/** What a field that lies in another's instruction contributes to it. */
function valueOf({ instruction, result }: Open): string {
  return quoted(instruction) ?? result;
}

/** Every instruction, those of nested fields first, with what nested fields put into it; and the text that a reader sees. */
export function readFields(text: string): { readonly instructions: readonly string[]; readonly visible: string } {
  const instructions: string[] = [];
  const open: Open[] = [];
  const visible: string[] = [];
  const add = (piece: string): void => {
    const top = open.at(-1);
    if (!top) visible.push(piece);
    else if (!top.inResult) top.instruction = joined(top.instruction, piece);
    else {
      top.result = joined(top.result, piece);
      if (open.every(({ inResult }) => inResult)) visible.push(piece);
    }
  };
  const close = (): void => {
    const field = open.pop();
    if (!field) return;
    if (instructions.length < mostFields) instructions.push(field.instruction.trim());
    const outer = open.at(-1);
    if (outer && !outer.inResult) add(valueOf(field));
  };
  let from = 0;
  for (const mark of text.matchAll(/[\x13-\x15]/g)) {
    if (mark.index > from) add(text.slice(from, mark.index));
    from = mark.index + 1;
    const top = open.at(-1);
    if (mark[0] === fieldBegin && open.length < 64) open.push({ instruction: "", result: "", inResult: false });
    else if (mark[0] === fieldResult && top) top.inResult = true;
    else if (mark[0] === fieldEnd) close();
  }
  add(text.slice(from));
  while (open.length > 0) close();
  return { instructions, visible: visible.join("") };
}
