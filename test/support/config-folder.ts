/** A folder with a configuration in it, gone when disposed of. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const smallest = `data_dir: ./data
listen:
  smtp: 127.0.0.1:2525
  web: 127.0.0.1:8025
routes:
  - domains: [example.test]
    next_hop: 127.0.0.1:2626
rules: [./rules]
`;

export interface ConfigFolder extends Disposable {
  readonly path: string;
  readonly file: string;
}

/** With an empty `rules` and the given files beside `sallyport.yaml`. */
export function configFolder(text: string = smallest, files: Readonly<Record<string, string>> = {}): ConfigFolder {
  const path = mkdtempSync(join(tmpdir(), "sallyport-config-"));
  mkdirSync(join(path, "rules"));
  const file = join(path, "sallyport.yaml");
  writeFileSync(file, text);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return { path, file, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
