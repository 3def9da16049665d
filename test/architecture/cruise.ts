/** Runs dependency-cruiser with the project's rules over a folder. */
import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";

export const root = resolve(import.meta.dirname, "../..");
export const cruised = ["src", "workers", "test"] as const;

export interface Dependency {
  readonly resolved: string;
  readonly dependencyTypes: readonly string[];
}

export interface Cruise {
  readonly modules: readonly { readonly source: string; readonly dependencies: readonly Dependency[] }[];
  readonly summary: {
    readonly violations: readonly { readonly from: string; readonly rule: { readonly name: string } }[];
    readonly ruleSetUsed: { readonly forbidden: readonly { readonly name: string }[] };
  };
}

export function cruise(folder: string, config = ".dependency-cruiser.js"): Cruise {
  const tool = join(root, "node_modules/.bin/depcruise");
  const args = ["--config", config, "--output-type", "json", ...cruised];
  const { stdout, stderr } = spawnSync(process.execPath, [tool, ...args], {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (stdout === "") throw new Error(`dependency-cruiser said nothing: ${stderr}`);
  return JSON.parse(stdout) as Cruise;
}
