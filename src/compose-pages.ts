/** The built console, as it lies in web/dist; a gateway runs without it as well. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Pages } from "./api/server.ts";

const dist = fileURLToPath(new URL("../web/dist/", import.meta.url));

/** Read once: a page that is built anew is served after a restart. */
export function findPages(folder = dist): Pages {
  const index = join(folder, "index.html");
  if (!existsSync(index)) return { index: null, register: () => Promise.resolve() };
  return {
    index: readFileSync(index, "utf8"),
    async register(app) {
      const { default: serveStatic } = await import("@fastify/static");
      await app.register(serveStatic, {
        root: folder,
        wildcard: false,
        index: false,
        dotfiles: "ignore",
        cacheControl: false,
        allowedPath: (path) => path !== "/index.html",
        setHeaders(reply, path) {
          // Names below assets/ hold a hash of the content.
          const isFixed = path.includes("/assets/");
          reply.header("cache-control", isFixed ? "public, max-age=31536000, immutable" : "no-cache");
        },
      });
    },
  };
}
