/** Matches names against patterns with `*` (any run) and `?` (one character), in time bounded by the product of their lengths. */

/** No regular expression: `*a*a*a*b` against a hostile name would make one backtrack for ever. Case is the caller's matter. */
export function globMatches(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let retry = 0;
  while (t < text.length) {
    const wanted = pattern[p];
    if (wanted === "*") {
      star = p++;
      retry = t;
    } else if (wanted === "?" || (wanted !== undefined && wanted === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++retry;
    } else {
      return false;
    }
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
