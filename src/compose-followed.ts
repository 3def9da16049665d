/** The scanner of a gateway with the release in force, and what takes the next one into force. One that stands alone loads nothing of it. */
import { type Scanner, type ScannerOptions, startScanner } from "./compose-scan.ts";

export interface FollowedScanner {
  readonly scanner: Scanner;
  close(): Promise<void>;
}

export async function startFollowedScanner(options: Omit<ScannerOptions, "release">): Promise<FollowedScanner> {
  const { config, log } = options;
  if (config.catalog === undefined) {
    const scanner = await startScanner({ ...options, release: null });
    return { scanner, close: () => scanner.close() };
  }
  const { followReleases, lastRelease, withRelease } = await import("./compose-releases.ts");
  const from = await lastRelease(config);
  const scanner = await startScanner({ ...options, config: withRelease(config, from), release: from?.n ?? null });
  const following = followReleases({ config, role: "serve", log, from, follower: scanner });
  await following.first;
  return {
    scanner,
    async close() {
      await following.close();
      await scanner.close();
    },
  };
}
