/** Which addresses may stand in a command of ours, and which need SMTPUTF8. RFC 5321 §4.1.2, RFC 6531. */

/** Quoted strings, and anything that can neither end the path nor add a parameter or a command. */
const safe = /^(?:"(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*"|[^"\s<>\x00-\x1f\x7f])*$/;
const ascii = /^[\x00-\x7f]*$/;

export const isSafePath = (path: string): boolean => path.length <= 1_000 && safe.test(path);
export const isAscii = (text: string): boolean => ascii.test(text);
