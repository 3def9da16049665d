/** Padding of tapes and mailers behind the end of an archive is nothing. */
export const isPadding = (rest: Buffer): boolean =>
  rest.length < 4 || !/[^\0\r\n ]/.test(rest.toString("latin1", 0, 4096));
