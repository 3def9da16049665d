/** Sends a message over SMTP, octet for octet, and gives back every reply. */
import { connect } from "node:net";

export interface Sending {
  readonly from?: string;
  readonly to?: readonly string[];
  /** Parameters of MAIL, such as "SMTPUTF8 BODY=8BITMIME". */
  readonly parameters?: string;
  /** Close right after the final dot, without waiting for its reply. */
  readonly hangUp?: boolean;
  readonly helo?: string;
  /** Gives up after so long a silence: a server that dies before it accepts leaves a connection that nobody ever ends. */
  readonly patienceMs?: number;
}

export interface Sent {
  /** "250 2.0.0 Ok …", or null if the connection ended before. */
  readonly reply: string | null;
  /** Replies to RCPT, in order. */
  readonly rcpt: readonly string[];
}

/** RFC 5321 §4.5.2 */
export function stuffed(message: Buffer): Buffer {
  const text = message.toString("latin1").replaceAll(/^\./gm, "..");
  const end = text.endsWith("\r\n") ? ".\r\n" : "\r\n.\r\n";
  return Buffer.from(text + end, "latin1");
}

export function send(port: number, message: Buffer, options: Sending = {}): Promise<Sent> {
  const {
    from = "sender@client.test",
    to = ["recipient@bench.test"],
    parameters = "",
    hangUp = false,
    helo = "client.test",
    patienceMs = 0,
  } = options;
  const commands = [
    `EHLO ${helo}`,
    `MAIL FROM:<${from}>${parameters ? ` ${parameters}` : ""}`,
    ...to.map((each) => `RCPT TO:<${each}>`),
    "DATA",
  ];
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const rcpt: string[] = [];
    let text = "";
    let last = "greeting";
    const done = (reply: string | null): void => {
      socket.destroy();
      resolve({ reply, rcpt });
    };
    const next = (line: string): void => {
      if (last.startsWith("RCPT")) rcpt.push(line);
      else if (last === "octets") return done(line);
      else if (line.startsWith("5") || line.startsWith("4")) return done(line);
      if (last === "DATA") {
        last = "octets";
        socket.write(stuffed(message), () => hangUp && setTimeout(() => done(null), 20));
        return;
      }
      last = commands.shift() ?? "QUIT";
      socket.write(Buffer.from(`${last}\r\n`, "utf8"));
    };
    socket.setTimeout(patienceMs, () => done(null));
    socket.on("error", () => done(null));
    socket.on("close", () => done(null));
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
