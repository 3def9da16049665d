/** How long a fuzzing file may take: three seconds, or what FUZZ_SECONDS says (by the hour in the long run). */

export function fuzzSeconds(): number {
  const wanted = Number(process.env["FUZZ_SECONDS"]);
  return wanted > 0 ? wanted : 3;
}
