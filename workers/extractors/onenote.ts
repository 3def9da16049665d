/** OneNote sections: the files that lie on their pages. [MS-ONESTORE] */
import { type EmbeddedFile, embeddedFiles, fileNames } from "../formats/onenote-objects.ts";
import type { Extractor } from "./extractor.ts";

/** What pages show as pictures; it has no name of its own. */
const picture = /^(?:\x89PNG|\xff\xd8\xff|GIF8|BM|II\*\0|MM\0\*|\x01\0\0\0.{36} EMF)/s;

const isPicture = ({ bytes }: EmbeddedFile): boolean => picture.test(bytes.toString("latin1", 0, 44));

export const oneNoteExtractor: Extractor = {
  name: "onenote",
  version: "1",
  wants: ({ types }) => types.includes("application/onenote"),
  *extract(_part, bytes, budget) {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const names = fileNames(buffer);
    const files = [...embeddedFiles(buffer)];
    const attached = files.filter((file) => !isPicture(file));
    let next = 0;
    let isCut = false;
    for (const file of files) {
      // Which name belongs to which file, only the tree of the page tells: in order if there are as many, else each may be it.
      const own = names.length === attached.length ? names.slice(next, next + 1) : names.slice(0, 16);
      const called = isPicture(file) ? [] : own;
      if (!isPicture(file)) next++;
      isCut ||= file.cut;
      budget.spend({ members: 1 });
      if (file.bytes.length > budget.memberRoom) {
        yield { names: called, why: "limit", text: "The file is larger than the limit" };
        continue;
      }
      budget.spend({ bytes: file.bytes.length });
      yield { names: called, declaredTypes: [], bytes: file.bytes };
    }
    if (isCut) yield { names: [], why: "malformed", text: "A file of the section breaks off" };
  },
};
