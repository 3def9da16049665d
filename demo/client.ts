/** Sends one message over SMTP and says what the server replied after the final dot. */
import { connect } from "node:net";

/** Resolves with the reply line; rejects if the server does not speak SMTP within a minute. */
export function sendMessage(port: number, message: Buffer): Promise<string> {
  const steps = ["EHLO client.test", "MAIL FROM:<sender@client.test>", "RCPT TO:<recipient@example.test>", "DATA"];
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    let dataSent = false;
    socket.setTimeout(60_000, () => socket.destroy(new Error("no reply within a minute")));
    socket.once("error", reject);
    const next = (line: string): void => {
      const step = steps.shift();
      if (dataSent || (step === undefined && !line.startsWith("354")) || /^[45]/.test(line)) {
        socket.end("QUIT\r\n");
        return resolve(line);
      }
      if (step !== undefined) {
        socket.write(`${step}\r\n`);
        return;
      }
      dataSent = true;
      // RFC 5321 §4.5.2
      socket.write(Buffer.from(message.toString("latin1").replaceAll(/^\./gm, ".."), "latin1"));
      socket.write(message.subarray(-2).toString("latin1") === "\r\n" ? ".\r\n" : "\r\n.\r\n");
    };
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      text += chunk;
      for (let end = text.indexOf("\r\n"); end >= 0; end = text.indexOf("\r\n")) {
        const line = text.slice(0, end);
        text = text.slice(end + 2);
        if (line[3] !== "-") next(line);
      }
    });
  });
}
