/** What things cost, as measured; docs/scale.md says where and how. Milliseconds of one core unless it says otherwise. */

export interface Costs {
  /** Of a message, in the gateway's own process: dialogue, journal, decision, next hop. */
  readonly gateway: number;
  /** Of a message, in the gateway's scan children: taking it apart, and looking at the message and its bodies. */
  readonly dissect: number;
  /** Of a job, in the gateway's own process: sealing, storing, asking, opening the answer. */
  readonly send: number;
  /** Of a job, in Redis, which has one thread. */
  readonly redis: number;
  /** Of a job, in the worker's own process. */
  readonly work: number;
  /** Of a job, in the worker's scan children. */
  readonly inspect: number;
  /** Of a row of the catalog, in PostgreSQL. */
  readonly row: number;
  /** Time, not work: one way between two machines. */
  readonly network: number;
  /** Time of the store to take a part, and to give it. */
  readonly put: number;
  readonly get: number;
}

/** What a message brings. */
export interface Mail {
  readonly costs: Costs;
  /** Of all messages, those with attachments; and how many jobs each of them makes. */
  readonly withJobs: number;
  readonly jobs: number;
}

/** docs/scale.md says which of them are measured and which are assumed. */
export const measured = {
  text: { own: 1.9, children: 3.1 },
  office: { own: 4.5, children: 38 },
  job: { send: 2.7, redis: 1.2, work: 3, inspect: 2.2 },
  row: 0.28,
} as const;

const officeShare = 0.2;

/**
 * One message in five with an office attachment, whose inspection is what its children cost beyond a text's; the others are text.
 */
export const mixed: Mail = {
  withJobs: officeShare,
  jobs: 1,
  costs: {
    gateway: measured.text.own,
    dissect: measured.text.children,
    send: measured.job.send,
    redis: measured.job.redis,
    work: measured.job.work,
    inspect: measured.office.children - measured.text.children,
    row: measured.row,
    network: 0.25,
    put: 13,
    get: 8,
  },
};
