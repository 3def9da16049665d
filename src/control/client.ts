/** Asks the running gateway. */
import { connect } from "node:net";
import { type ErrorCode, errorCodes, GatewayError } from "../core/errors.ts";
import type { Request, Response } from "./protocol.ts";

function failure({ code, message }: { readonly code: string; readonly message: string }): GatewayError {
  const known = errorCodes.find((each) => each === code);
  return new GatewayError((known ?? "CONTROL_UNAVAILABLE") satisfies ErrorCode, { answer: message });
}

/** Throws CONTROL_UNAVAILABLE if no gateway listens there, else what the gateway says is wrong. */
export function ask(path: string, request: Request): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = "";
    socket.setEncoding("utf8");
    socket.on("error", (error) => reject(new GatewayError("CONTROL_UNAVAILABLE", { socket: path }, error)));
    socket.on("data", (chunk: string) => {
      text += chunk;
    });
    socket.on("end", () => {
      if (!text.endsWith("\n"))
        return reject(new GatewayError("CONTROL_UNAVAILABLE", { socket: path, answer: "cut short" }));
      const response = JSON.parse(text) as Response;
      if (response.ok) resolve(response.value);
      else reject(failure(response.error));
    });
    socket.end(`${JSON.stringify(request)}\n`);
  });
}
