/** Asks the running gateway. */
import { connect } from "node:net";
import { errorCodes, GatewayError } from "../core/errors.ts";
import type { Failure, Request, Response } from "./protocol.ts";

/** What went wrong there, as if it had gone wrong here. */
export function asError({ code, detail }: Failure): GatewayError {
  const known = errorCodes.find((each) => each === code);
  return new GatewayError(known ?? "CONTROL_FAILED", detail);
}

const remedyFor = ({ code }: NodeJS.ErrnoException): string =>
  code === "EACCES" ? "run this as the user of the gateway" : "start the gateway: sallyport run";

/** Throws CONTROL_UNAVAILABLE if no gateway listens there, else what the gateway says is wrong. */
export function ask(path: string, request: Request): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = "";
    socket.setEncoding("utf8");
    socket.on("error", (error: NodeJS.ErrnoException) =>
      reject(new GatewayError("CONTROL_UNAVAILABLE", { socket: path, remedy: remedyFor(error) }, error)),
    );
    socket.on("data", (chunk: string) => {
      text += chunk;
    });
    socket.on("end", () => {
      if (!text.endsWith("\n"))
        return reject(new GatewayError("CONTROL_UNAVAILABLE", { socket: path, answer: "cut short" }));
      const response = JSON.parse(text) as Response;
      if (response.ok) resolve(response.value);
      else reject(asError(response.error));
    });
    socket.end(`${JSON.stringify(request)}\n`);
  });
}
