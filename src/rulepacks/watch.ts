/** Tells when files below some folders have changed: the system's notices make it quick, looking now and then makes it sure. */
import { type FSWatcher, watch } from "node:fs";
import { fingerprint } from "./find-files.ts";

export interface Watching {
  close(): void;
}

export interface WatchOptions {
  readonly folders: readonly string[];
  readonly onChange: () => void;
  /** Between two looks. */
  readonly everyMs?: number;
  /** Nothing may change for so long before it is told: editors and copies write in pieces. */
  readonly quietMs?: number;
}

/** Network file systems and full inotify tables give no notices; then the looks must do. */
function notices(folder: string, onNotice: () => void): FSWatcher | null {
  try {
    const watcher = watch(folder, { recursive: true, persistent: false }, onNotice);
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch {
    return null;
  }
}

export function watchFolders({ folders, onChange, everyMs = 3_000, quietMs = 300 }: WatchOptions): Watching {
  let told: string | null = null;
  let seen: string | null = null;
  let closed = false;
  let timer: NodeJS.Timeout | null = null;

  function look(inMs: number): void {
    if (closed) return;
    if (timer) clearTimeout(timer);
    timer = setTimeout(() => void compare(), inMs);
    timer.unref();
  }

  async function compare(): Promise<void> {
    const now = await fingerprint(folders);
    if (closed) return;
    told ??= now;
    const isQuiet = now === seen;
    seen = now;
    if (now !== told && isQuiet) {
      told = now;
      onChange();
    }
    look(now === told ? everyMs : quietMs);
  }

  const watchers = folders.map((folder) => notices(folder, () => look(quietMs)));
  look(0);
  return {
    close() {
      closed = true;
      if (timer) clearTimeout(timer);
      for (const watcher of watchers) watcher?.close();
    },
  };
}
