/** Every arrow of the crash table, and where on it the gateway is killed. */
import type { Arrow } from "../support/fuse.ts";

export interface Row {
  /** As src/core/state.ts has it, or the crash table of docs/architecture.md. */
  readonly arrow: string;
  /** What the gateway is killed before or after, in words. */
  readonly at: string;
  readonly fuse: Arrow;
  readonly to: readonly string[];
  readonly isBad?: boolean;
  readonly isLarge?: boolean;
  /** The client hears its 250 before the death. */
  readonly heard?: true;
  /** How the next hop behaves until the death. */
  readonly hop?: "slow" | "slow at the end" | "busy" | "busy throughout";
  /** The message is held first, and then a person does this. */
  readonly act?: "release" | "discard" | "rescan";
  /** It dies first of this, or once the message is held; and of `fuse` when it starts again. */
  readonly first?: Arrow | "held";
  /** What happens to the message's folder between the two. */
  readonly damage?: "spoilt" | "doubled";
  /** Held messages expire after that start. */
  readonly expires?: true;
  /** Copies that each recipient gets, in quarantine, in `corrupt`, and DSNs. */
  readonly end: {
    readonly sent?: number;
    readonly held?: number;
    readonly corrupt?: number;
    readonly bounced?: number;
    readonly unaccounted?: number;
  };
  /** Why there are more copies than one. */
  readonly duplicate?: string;
}

const unheard = "the client has not heard our 250 (RFC 1047 §1)";
const unwritten = "the next hop's 250 was not written down (RFC 1047 §1)";

type Point = readonly [at: string, call: string, nth?: number];
const before = ([at, call, nth = 1]: Point) => ({ at: `before ${at}`, fuse: { call, nth, when: "before" } }) as const;
const after = ([at, call, nth = 1]: Point) => ({ at: `after ${at}`, fuse: { call, nth, when: "after" } }) as const;
const step = (from: string, to: string): string => `^rename \\S+/${from}/\\S+ \\S+/${to}/\\S+$`;
const move = (from: string, to: string, nth = 1): Point => ["the rename", step(from, to), nth];
const gone = (from: string): Point => ["the rename", `^rename \\S+/${from}/\\S+ \\S+\\.gone-\\d+$`];
const made = (file: string, nth = 1): Point => [`${file} is begun`, `^open \\S+/${file}\\.new$`, nth];
const placed = (file: string, nth = 1): Point => [`${file} is in place`, `^rename \\S+/${file}\\.new `, nth];
const line = (what: string, nth: number): Point => [`the line "${what}" is synced`, "^sync \\S+/journal/", nth];
const reply: Point = ["our 250 is on the wire", "^say 250 2\\.0\\.0"];

const inbox = { to: ["a@spool.test"], end: { sent: 1 } } as const;
const ours = { ...inbox, heard: true } as const;
const twice = { end: { sent: 2 }, duplicate: unheard } as const;
const held = { to: ["a@delivery.test"], isBad: true, end: { held: 1 } } as const;
const heldTwice = { end: { held: 2 }, duplicate: unheard } as const;
const released = { to: ["a@delivery.test"], isBad: true, end: { sent: 1, held: 1 } } as const;

const less = { to: ["less@delivery.test"], isBad: true, end: { sent: 1, held: 1 } } as const;
const lessOurs = { ...less, to: ["less@spool.test"], heard: true } as const;

const slow = { to: ["a@deadline.test"], hop: "slow" } as const;
const toGone = { to: ["a@spool.test", "gone@spool.test"], heard: true, end: { sent: 1, bounced: 1 } } as const;
const tablePoint = step("arriving", "incoming");

export const rows: readonly Row[] = [
  {
    arrow: "first octet and end of DATA",
    ...before(["the second piece", "^write \\S+/arriving/\\S+/message\\.eml$", 2]),
    to: ["a@delivery.test"],
    isLarge: true,
    end: { sent: 1 },
  },
  {
    arrow: "next hop's 250 and ours, in `delivery` mode",
    ...before(reply),
    to: ["a@delivery.test"],
    end: { sent: 2 },
    duplicate: unheard,
  },
  {
    arrow: "next hop's 250 and ours, in `delivery` mode",
    ...after(reply),
    to: ["a@delivery.test"],
    end: { sent: 1 },
  },
  { arrow: "end of DATA and rename", ...before(["the folder is made", "^mkdir \\S+/arriving/"]), ...inbox },

  { arrow: "arriving → incoming", ...before(move("arriving", "incoming")), ...inbox },
  { arrow: "arriving → incoming", ...after(move("arriving", "incoming")), ...inbox, ...twice },
  { arrow: "rename and the 250 on the wire", ...before(line("accepted", 1)), ...inbox, ...twice },
  { arrow: "rename and the 250 on the wire", ...after(line("accepted", 1)), ...inbox, ...twice },
  { arrow: "rename and the 250 on the wire", ...before(reply), ...inbox, ...twice },
  { arrow: "rename and the 250 on the wire", ...after(reply), ...inbox },
  {
    arrow: "arriving → incoming",
    ...after(move("arriving", "incoming", 1)),
    to: ["a@delivery.test", "kept@delivery.test"],
    end: { sent: 2, held: 1 },
    duplicate: unheard,
  },

  { arrow: "arriving → active", ...before(move("arriving", "active")), ...slow, end: { sent: 1 } },
  { arrow: "arriving → active", ...after(move("arriving", "active")), ...slow, ...twice },
  {
    arrow: "arriving → active",
    ...after(reply),
    ...slow,
    hop: "slow at the end",
    end: { sent: 2 },
    duplicate: unwritten,
  },
  {
    arrow: "arriving → active",
    ...after(move("arriving", "active")),
    to: ["a@delivery.test", "gone@delivery.test"],
    end: { sent: 2, bounced: 2 },
    duplicate: unheard,
  },
  {
    arrow: "arriving → deferred",
    ...before(move("arriving", "deferred")),
    to: ["later@verdict.test"],
    end: { sent: 1 },
  },
  { arrow: "arriving → deferred", ...after(move("arriving", "deferred")), to: ["later@verdict.test"], ...twice },
  { arrow: "arriving → quarantine", ...before(move("arriving", "quarantine")), ...held },
  { arrow: "arriving → quarantine", ...after(move("arriving", "quarantine")), ...held, ...heldTwice },
  { arrow: "arriving → quarantine", ...before(line("quarantined", 2)), ...held, ...heldTwice },
  { arrow: "arriving → quarantine", ...after(reply), ...held },

  { arrow: "incoming → active", ...before(move("incoming", "active")), ...ours },
  { arrow: "incoming → active", ...after(move("incoming", "active")), ...ours },
  { arrow: "dissect → `parts.json`", ...before(made("parts.json")), ...ours },
  { arrow: "job submitted → report", ...before(made("inspection.json")), ...ours },
  { arrow: "`inspection.json` → `verdict.json`", ...before(made("verdict.json")), ...ours },
  {
    arrow: "next hop's 250 → `delivery.json`",
    ...before(made("delivery.json", 2)),
    ...ours,
    end: { sent: 2 },
    duplicate: unwritten,
  },
  { arrow: "next hop's 250 → `delivery.json`", ...after(placed("delivery.json", 2)), ...ours },
  { arrow: "all settled → folder removed", ...before(line("forwarded", 2)), ...ours },
  { arrow: "all settled → folder removed", ...after(line("forwarded", 2)), ...ours },
  { arrow: "active → removed", ...before(gone("active")), ...ours },
  { arrow: "active → removed", ...after(gone("active")), ...ours },
  { arrow: "active → removed", ...before(["the folder is empty", "^rmdir \\S+\\.gone-\\d+$"]), ...ours },
  { arrow: "active → removed", ...before(["the DSN is ours", tablePoint, 2]), ...toGone },
  { arrow: "active → removed", ...after(["the DSN is ours", tablePoint, 2]), ...toGone },
  {
    arrow: "active → removed",
    ...before(['the line "expired" is synced', "^sync \\S+/journal/", 3]),
    to: ["a@expiring.test"],
    heard: true,
    hop: "busy throughout",
    end: { sent: 0, bounced: 1 },
  },
  { arrow: "active → deferred", ...before(move("active", "deferred")), ...ours, hop: "busy" },
  { arrow: "active → deferred", ...after(move("active", "deferred")), ...ours, hop: "busy" },
  { arrow: "deferred → active", ...before(move("deferred", "active")), ...ours, hop: "busy" },
  { arrow: "deferred → active", ...after(move("deferred", "active")), ...ours, hop: "busy" },
  { arrow: "active → quarantine", ...before(move("active", "quarantine")), ...held, to: ["a@spool.test"], heard: true },
  { arrow: "active → quarantine", ...after(move("active", "quarantine")), ...held, to: ["a@spool.test"], heard: true },
  {
    arrow: "active → incoming",
    ...before(move("active", "incoming")),
    ...ours,
    first: after(move("incoming", "active")).fuse,
  },
  {
    arrow: "active → incoming",
    ...after(move("active", "incoming")),
    ...ours,
    first: after(move("incoming", "active")).fuse,
  },

  { arrow: "original held → its stripped copy", ...before(move("arriving", "quarantine")), ...less },
  {
    arrow: "original held → its stripped copy",
    ...after(move("arriving", "quarantine")),
    ...less,
    end: { sent: 1, held: 2 },
    duplicate: unheard,
  },
  {
    arrow: "original held → its stripped copy",
    ...before(move("arriving", "incoming")),
    ...less,
    end: { sent: 1, held: 2 },
    duplicate: unheard,
  },
  {
    arrow: "original held → its stripped copy",
    ...after(move("arriving", "incoming")),
    ...less,
    end: { sent: 2, held: 2 },
    duplicate: unheard,
  },
  { arrow: "original held → its stripped copy", ...after(reply), ...less },
  { arrow: "stripped copy → its original held", ...before(["the copy's claim", tablePoint, 2]), ...lessOurs },
  { arrow: "stripped copy → its original held", ...after(["the copy's claim", tablePoint, 2]), ...lessOurs },
  { arrow: "stripped copy → its original held", ...before(move("active", "quarantine")), ...lessOurs },
  { arrow: "stripped copy → its original held", ...after(move("active", "quarantine")), ...lessOurs },

  {
    arrow: "review line → released entry made",
    ...after(["the line", "^write \\S+/review\\.ndjson$"]),
    ...released,
    act: "release",
  },
  {
    arrow: "review line → released entry made",
    ...after(["the link", "^link \\S+/arriving/"]),
    ...released,
    act: "release",
  },
  {
    arrow: "review line → released entry made",
    ...after(["its rename", tablePoint]),
    ...released,
    act: "release",
  },
  {
    arrow: "review line → released entry made",
    ...after(line("accepted", 1)),
    ...released,
    act: "release",
  },
  { arrow: "quarantine → incoming", ...before(move("quarantine", "incoming")), ...held, act: "rescan" },
  { arrow: "quarantine → incoming", ...after(move("quarantine", "incoming")), ...held, act: "rescan" },
  { arrow: "quarantine → removed", ...before(line("discarded", 1)), ...held, act: "discard", end: {} },
  { arrow: "quarantine → removed", ...before(gone("quarantine")), ...held, act: "discard", end: {} },
  { arrow: "quarantine → removed", ...after(gone("quarantine")), ...held, act: "discard", end: {} },
  { arrow: "quarantine → removed", ...before(gone("quarantine")), ...held, first: "held", expires: true, end: {} },
  { arrow: "quarantine → removed", ...after(gone("quarantine")), ...held, first: "held", expires: true, end: {} },

  {
    arrow: "incoming → corrupt",
    ...before(move("incoming", "corrupt")),
    to: ["a@spool.test"],
    first: before(move("incoming", "active")).fuse,
    damage: "spoilt",
    end: { corrupt: 1, unaccounted: 1 },
  },
  {
    arrow: "deferred → corrupt",
    ...after(move("deferred", "corrupt")),
    to: ["a@spool.test"],
    hop: "busy",
    first: after(move("active", "deferred")).fuse,
    damage: "spoilt",
    end: { corrupt: 1, unaccounted: 1 },
  },
  {
    arrow: "active → corrupt",
    ...before(move("active", "corrupt")),
    to: ["a@spool.test"],
    first: before(move("incoming", "active")).fuse,
    damage: "doubled",
    end: { sent: 1, corrupt: 1 },
  },
  {
    arrow: "quarantine → corrupt",
    ...after(move("quarantine", "corrupt")),
    ...held,
    first: "held",
    damage: "spoilt",
    end: { corrupt: 1, unaccounted: 1 },
  },
];
