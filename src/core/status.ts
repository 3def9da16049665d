/** Reply code and enhanced status code as one value: the class digit exists once. RFC 5321 §4.2, RFC 3463 §2. */
export interface Status<Class extends 2 | 4 | 5 = 2 | 4 | 5> {
  readonly class: Class;
  /** Last two digits of the reply code. */
  readonly basic: number;
  readonly subject: number;
  readonly detail: number;
}

/** A status with its text, without CR or LF: what is said to a client, or what a next hop said. */
export interface Reply<Class extends 2 | 4 | 5 = 2 | 4 | 5> {
  readonly status: Status<Class>;
  readonly text: string;
}

export const code = (status: Status): number => status.class * 100 + status.basic;
export const enhanced = (status: Status): string => `${status.class}.${status.subject}.${status.detail}`;
/** "550 5.7.1 text" */
export const format = ({ status, text }: Reply): string => `${code(status)} ${enhanced(status)} ${text}`;

/** What `format` has written; null if it was not that. */
export function parseReply(text: string): Reply | null {
  const [, cls, basic, detail = "", said = ""] = /^([245])(\d\d) \1\.(\d{1,3}\.\d{1,3}) (.*)$/.exec(text) ?? [];
  return cls === undefined ? null : reply(Number(cls) as 2 | 4 | 5, Number(basic), detail, said);
}

export const is = <C extends 2 | 4 | 5>(reply: Reply, wanted: C): reply is Reply<C> => reply.status.class === wanted;

/** A reply from its parts: `reply(5, 50, "7.1", "refused")`. */
export function reply<C extends 2 | 4 | 5>(cls: C, basic: number, detail: string, text: string): Reply<C> {
  const [subject = 0, last = 0] = detail.split(".").map(Number);
  return { status: { class: cls, basic, subject, detail: last }, text };
}
