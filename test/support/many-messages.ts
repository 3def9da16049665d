/** As many made-up messages as wanted, always the same, and what people ask a catalog about them. */
import { hash } from "node:crypto";
import type { Query, Summary } from "../../src/catalog/catalog.ts";
import type { QueueId } from "../../src/core/message.ts";
import { idDigits, timePrefix } from "../../src/core/queue-id.ts";

const first = Date.parse("2026-08-01T00:00:00Z");
/** Between two messages. */
const gap = 7_000;

/** Always the same, spread evenly. */
const chance = (i: number, salt: number): number => {
  let x = Math.imul(i ^ (salt * 0x9e3779b1), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
};
/** The first ones often, the last ones hardly ever, as words and senders are. */
const pick = <T>(list: readonly T[], i: number, salt: number): T =>
  list[Math.floor(chance(i, salt) ** 3 * list.length)] as T;

const syllables = [
  "ka",
  "rin",
  "to",
  "mel",
  "bau",
  "sig",
  "ort",
  "wen",
  "plu",
  "dex",
  "har",
  "vo",
  "lim",
  "que",
  "zan",
];
const wordList = Array.from(
  { length: 5_000 },
  (_, i) =>
    [i, i * 7 + 3, i * 13 + 5].map((n) => syllables[Math.floor(chance(n, 1) * syllables.length)]).join("") + (i % 97),
);
const domains = Array.from({ length: 20_000 }, (_, i) => `${wordList[i % 5_000]}-${i}.example`);
const rules = Array.from({ length: 300 }, (_, i) => `pack${i % 9}.${wordList[i]}`);
const extensions = ["pdf", "docx", "png", "zip", "xlsm", "jpg", "exe", "html"];
const states = ["forwarded", "forwarded", "forwarded", "quarantine", "rejected", "discarded"] as const;
const severities = [null, null, null, "low", "medium", "high", "critical"] as const;

function idOf(i: number): QueueId {
  const rest = Array.from({ length: 16 }, (_, digit) => idDigits.charAt(Math.floor(chance(i, 50 + digit) * 32)));
  return (timePrefix(first + i * gap) + rest.join("")) as QueueId;
}

export function messageAt(i: number): Summary {
  const names = Array.from({ length: Math.floor(chance(i, 2) * 4) }, (_, n) =>
    [pick(wordList, i, 10 + n), Math.floor(chance(i, 20 + n) * 1e4), pick(extensions, i, 30 + n)].join(
      n % 2 ? "_" : ".",
    ),
  );
  const severity = pick(severities, i, 3);
  return {
    queueId: idOf(i),
    state: pick(states, i, 4),
    arrivedAt: new Date(first + i * gap).toISOString(),
    route: `route-${Math.floor(chance(i, 5) ** 2 * 12)}`,
    client: "192.0.2.7",
    reversePath: `${pick(wordList, i, 6)}.${pick(wordList, i, 7)}@${pick(domains, i, 8)}`,
    forwardPaths: Array.from(
      { length: 1 + Math.floor(chance(i, 9) ** 4 * 5) },
      (_, n) => `user${Math.floor(chance(i, 40 + n) * 5_000)}@site.example`,
    ),
    subject: [11, 12, 13, 14, 15].map((salt) => pick(wordList, i, salt)).join(" ") + (i % 50 === 0 ? " 請求書" : ""),
    size: 1_000 + i,
    sha256: hash("sha256", `message ${i}`, "hex"),
    disposition: severity === null ? "forward" : "quarantine",
    summary: severity === null ? "clean" : "found",
    severity,
    rules: severity === null ? [] : [pick(rules, i, 16), pick(rules, i, 17)],
    names,
    hashes: names.map((_, n) => hash("sha256", `part ${Math.floor(chance(i, 60 + n) ** 3 * 200_000)}`, "hex")),
    reason: severity === null ? "" : "rules",
  };
}

/** Each asks for another one every time. */
export const questionsAbout = (messages: number): Readonly<Record<string, (i: number) => Query>> => ({
  "list: all": () => ({}),
  "list: held": () => ({ states: ["quarantine"] }),
  "filter: route and state": (i) => ({ route: `route-${i % 12}`, states: ["rejected"] }),
  "filter: severity": () => ({ severities: ["critical"] }),
  "filter: severity, disposition, days": (i) => ({
    severities: ["high", "critical"],
    dispositions: ["quarantine"],
    since: new Date(first + messages * gap * chance(i, 70) * 0.9).toISOString(),
    until: new Date(first + messages * gap * (chance(i, 70) * 0.9 + 0.05)).toISOString(),
  }),
  "filter: rule": (i) => ({ rule: rules[i % rules.length] ?? "" }),
  "filter: rule and state": (i) => ({ rule: rules[(i * 7) % rules.length] ?? "", states: ["discarded"] }),
  "filter: hash of a message": (i) => ({ sha256: hash("sha256", `message ${(i * 7919) % messages}`, "hex") }),
  "filter: hash of a part": (i) => ({ sha256: hash("sha256", `part ${i ** 2}`, "hex") }),
  "text: a frequent word": (i) => ({ text: wordList[i % 20] ?? "" }),
  "text: a rare word": (i) => ({ text: wordList[4_999 - i] ?? "" }),
  "text: two words": (i) => ({ text: `${wordList[i % 60]} ${wordList[(i * 3) % 400]}` }),
  "text: a beginning, held": (i) => ({ text: (wordList[(i * 11) % 5_000] ?? "").slice(0, 5), states: ["quarantine"] }),
  "text: a sender": (i) => ({ text: messageAt((i * 104_729) % messages).reversePath }),
  "text: a file name": (i) => ({ text: messageAt((i * 1_299_709) % messages).names[0] ?? "pdf" }),
  "text: Japanese": () => ({ text: "請求" }),
  "text: nothing": (i) => ({ text: `absent${i}` }),
  "piece: of a sender": (i) => ({ sender: (domains[(i * 97) % 20_000] ?? "").slice(2) }),
  "piece: of a recipient": (i) => ({ recipient: `ser${(i * 13) % 5_000}@` }),
  "piece: of a subject": (i) => ({ subject: (wordList[(i * 17) % 5_000] ?? "").slice(1) }),
  "piece: of a file name": (i) => ({ fileName: `${(i * 31) % 10_000}.exe` }),
  "piece: sender and word": (i) => ({ sender: `${(wordList[i % 90] ?? "").slice(2)}@`, text: wordList[i % 200] ?? "" }),
});
