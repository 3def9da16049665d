/** Turns problems of a file into the one error that stops a start or a reload. */
import { type ErrorCode, GatewayError } from "../core/errors.ts";
import { type Problem, showProblem } from "./check.ts";

/** The first problem is in the sentence; the rest is counted, and shown in full by `config check`. */
export function refuse(code: ErrorCode, problems: readonly Problem[]): never {
  const [first] = problems;
  throw new GatewayError(code, {
    ...(first ? { problem: showProblem(first) } : {}),
    ...(problems.length > 1 ? { "further problems": problems.length - 1 } : {}),
  });
}
