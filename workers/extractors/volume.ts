/** One part of an archive cut into several: known by its name, since only the first has a mark. Nothing in it can be judged alone. */
import { type Extractor, Stop } from "./extractor.ts";

/** "a.7z.002", "a.zip.001", "a.part2.rar", "a.r00", "a.z01", "a.a01", "a.c00". */
const partName = /\.(?:(?:7z|zip|rar|tar|gz|arj|lzh|iso|exe)\.\d{3}|part\d{1,4}\.rar|[rzac]\d\d)[\s.]*$/i;

export const volumeExtractor: Extractor = {
  name: "volume",
  version: "1",
  wants: ({ types, names }) =>
    types.every((type) => type === "application/octet-stream" || type === "text/plain") &&
    names.some((name) => partName.test(name)),
  extract() {
    throw new Stop("unsupported", "One part of a set of volumes: the others are needed to open it");
  },
};
