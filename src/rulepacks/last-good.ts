/** Keeps the last text of each rule file that compiled, over restarts: texts by their hash, and an index of who had which. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const indexName = "index.json";
const indexSchema = z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/));

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");
const textName = (hash: string): string => `${hash}.yar`;

/** Whole or not at all. Not synced: what is lost in a power cut is made again from the files that compile. */
async function replaceFile(path: string, content: string): Promise<void> {
  await writeFile(`${path}.new`, content, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

export class LastGood {
  readonly #folder: string;
  readonly #texts: Map<string, string>;
  #saving: Promise<void> = Promise.resolve();

  private constructor(folder: string, texts: Map<string, string>) {
    this.#folder = folder;
    this.#texts = texts;
  }

  /** A text whose hash is another than its name is as good as lost. */
  static async open(folder: string): Promise<LastGood> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const texts = new Map<string, string>();
    const index = await readFile(join(folder, indexName), "utf8")
      .then((text) => indexSchema.safeParse(JSON.parse(text)))
      .catch(() => null);
    for (const [key, hash] of Object.entries(index?.data ?? {})) {
      const text = await readFile(join(folder, textName(hash)), "utf8").catch(() => null);
      if (text !== null && hashOf(text) === hash) texts.set(key, text);
    }
    return new LastGood(folder, texts);
  }

  get(key: string): string | undefined {
    return this.#texts.get(key);
  }

  set(key: string, text: string): void {
    this.#texts.set(key, text);
  }

  delete(key: string): void {
    this.#texts.delete(key);
  }

  /** What is gone from the folders of rules has been taken away on purpose. */
  keepOnly(keys: ReadonlySet<string>): void {
    for (const key of this.#texts.keys()) if (!keys.has(key)) this.#texts.delete(key);
  }

  /** One after the other; rejects when the disk cannot be written. */
  save(): Promise<void> {
    const index = Object.fromEntries([...this.#texts].map(([key, text]) => [key, hashOf(text)]));
    const texts = new Map([...this.#texts.values()].map((text) => [textName(hashOf(text)), text]));
    this.#saving = this.#saving.catch(() => undefined).then(() => this.#write(index, texts));
    return this.#saving;
  }

  async #write(index: Readonly<Record<string, string>>, texts: ReadonlyMap<string, string>): Promise<void> {
    const there = new Set(await readdir(this.#folder));
    for (const [name, text] of texts) if (!there.has(name)) await replaceFile(join(this.#folder, name), text);
    await replaceFile(join(this.#folder, indexName), JSON.stringify(index));
    for (const name of there) {
      if (name !== indexName && !texts.has(name)) await rm(join(this.#folder, name), { force: true });
    }
  }
}
