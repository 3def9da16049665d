/** Loads the configuration: reads, checks, makes paths absolute, freezes. Modules get values from it and read nothing themselves. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { configComplaints } from "./config-check.ts";
import { placed } from "./config-cluster.ts";
import { type Config, configSchema } from "./config-schema.ts";
import { GatewayError } from "./core/errors.ts";
import { type Checked, checkYaml, type Where } from "./yaml/check.ts";
import { refuse } from "./yaml/refuse.ts";

export interface LoadedConfig {
  /** Absolute. */
  readonly file: string;
  /** Deeply frozen; every path in it is absolute. */
  readonly config: Config;
  /** Where a value was written; null if it is a default. */
  readonly origins: Where;
}

/** Where a configuration is looked for when none is named, in this order. */
export const usualPlaces = (cwd: string): readonly string[] => [
  resolve(cwd, "sallyport.yaml"),
  "/etc/sallyport/sallyport.yaml",
];

/** Throws CONFIG_UNREADABLE if there is none. */
export function findConfig(cwd: string): string {
  const places = usualPlaces(cwd);
  const found = places.find((place) => existsSync(place));
  if (found === undefined)
    throw new GatewayError("CONFIG_UNREADABLE", {
      problem: `there is no ${places.join(" and no ")}`,
      remedy: "write one (docs/configuration.md begins with the smallest) or name it with --config FILE",
    });
  return found;
}

function readText(file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    throw new GatewayError("CONFIG_UNREADABLE", { file }, error);
  }
}

/** Of a server: where its password and its certificates lie. */
const withFiles = <T extends { readonly password_file?: string | undefined; readonly tls_ca?: string | undefined }>(
  server: T,
  at: (path: string) => string,
): T => ({
  ...server,
  ...(server.password_file === undefined ? {} : { password_file: at(server.password_file) }),
  ...(server.tls_ca === undefined ? {} : { tls_ca: at(server.tls_ca) }),
});

/** Relative paths start at the folder of the file, whatever folder the gateway was started in. */
function absolute(config: Config, base: string): Config {
  const at = (path: string): string => resolve(base, path);
  const { cert, key } = config.smtp.tls;
  return {
    ...config,
    data_dir: at(config.data_dir),
    rules: config.rules.map(at),
    ...(config.policy === undefined ? {} : { policy: at(config.policy) }),
    routes: config.routes.map((route) => ({
      ...route,
      ...(route.tls_ca === undefined ? {} : { tls_ca: at(route.tls_ca) }),
    })),
    ...(config.catalog === undefined ? {} : { catalog: withFiles(config.catalog, at) }),
    ...placed(config, at),
    smtp: {
      ...config.smtp,
      tls: {
        ...config.smtp.tls,
        ...(cert === undefined ? {} : { cert: at(cert) }),
        ...(key === undefined ? {} : { key: at(key) }),
      },
    },
  };
}

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
}

/** All problems, for `config check`. Throws CONFIG_UNREADABLE. */
export function checkConfig(text: string, file: string): Checked<Config> {
  const base = dirname(resolve(file));
  const checked = checkYaml(text, file, configSchema, (config) => configComplaints(absolute(config, base)));
  return checked.ok ? { ...checked, value: freeze(absolute(checked.value, base)) } : checked;
}

/** Throws CONFIG_UNREADABLE, CONFIG_INVALID; the latter names file, line, column and key. */
export function loadConfig(file: string): LoadedConfig {
  const checked = checkConfig(readText(file), file);
  if (!checked.ok) return refuse("CONFIG_INVALID", checked.problems);
  return Object.freeze({ file: resolve(file), config: checked.value, origins: checked.where });
}

/** The same as a value, for `config check`. Throws CONFIG_UNREADABLE. */
export const readConfig = (file: string): Checked<Config> => checkConfig(readText(file), file);
