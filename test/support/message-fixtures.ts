/** The messages of fixtures/messages: octets as they stand, hostile ones out of their base64. */
import { readdirSync, readFileSync } from "node:fs";

export interface MessageFixture {
  /** "07-mixed-pdf" */
  readonly name: string;
  readonly bytes: Buffer;
}

const folder = new URL("../../fixtures/messages/", import.meta.url);

/** Limits of the golden files. */
export const fixtureLimits = { parts: 200, depth: 16, headerBytes: 64 * 1024 };

export function messageFixtures(): readonly MessageFixture[] {
  return readdirSync(folder)
    .filter((file) => /\.eml(?:\.b64)?$/.test(file))
    .sort()
    .map((file) => {
      const octets = readFileSync(new URL(file, folder));
      const bytes = file.endsWith(".b64") ? Buffer.from(octets.toString("latin1"), "base64") : octets;
      return { name: file.replace(/\.eml(?:\.b64)?$/, ""), bytes };
    });
}

export function messageFixture(name: string): Buffer {
  const found = messageFixtures().find((fixture) => fixture.name.replace(/^\d+-/, "") === name);
  if (!found) throw new Error(`No message fixture is called ${name}`);
  return found.bytes;
}

/** Where the expectation of a fixture stands. */
export const goldenFile = (name: string): URL => new URL(`${name}.parts.json`, folder);
