/** Relationships of an Open XML package that lead out of it. ECMA-376 part 2 §9.3 */
import type { Severity } from "../../src/core/outcome.ts";
import { attribute, type XmlTag } from "../formats/xml-scan.ts";
import { isRemote, type OfficeNotes } from "./office-notes.ts";
import type { OfficeRule } from "./office-rules.ts";

/** What is fetched when the document is opened, by the last word of its type. */
const fetched: Readonly<Record<string, readonly [OfficeRule, Severity]>> = {
  attachedtemplate: ["ooxml.remote-template", "medium"],
  oleobject: ["ooxml.remote-object", "medium"],
  frame: ["ooxml.remote-object", "medium"],
  subdocument: ["ooxml.remote-object", "medium"],
  afchunk: ["ooxml.remote-object", "medium"],
  package: ["ooxml.remote-object", "medium"],
  control: ["ooxml.remote-object", "medium"],
  vbaproject: ["ooxml.remote-object", "medium"],
  image: ["office.remote-picture", "info"],
  externallinkpath: ["office.remote-picture", "info"],
  video: ["office.remote-picture", "info"],
  audio: ["office.remote-picture", "info"],
  media: ["office.remote-picture", "info"],
};

/** Nothing that a company's own server would be: bare addresses, WebDAV over odd ports, schemes that run something. */
const lure =
  /^\s*(?:mhtml|ms-\w+|search-ms|script|javascript|wsdl):|@(?:ssl|\d+)[\\/]|^\s*(?:https?|ftp):\/\/(?!10\.|127\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.)(?:\d{1,3}\.){3}\d{1,3}[:/]|!x-usc/i;
const page = /\.(?:html?|hta|sct|wsf|js|vbs|php)(?:[?#!]|$)/i;

export function readRelationship(tag: XmlTag, notes: OfficeNotes): void {
  const kind = (attribute(tag, "Type").split("/").at(-1) ?? "").toLowerCase();
  const target = attribute(tag, "Target").trim();
  if (attribute(tag, "TargetMode").toLowerCase() !== "external") {
    if (kind === "afchunk") notes.odd("ooxml.alternative-part", "info", target);
    return;
  }
  const [rule, severity] = fetched[kind] ?? [];
  if (rule === undefined || severity === undefined) return notes.urls.add(target);
  const isLure = severity !== "info" && (lure.test(target) || (kind !== "frame" && page.test(target)));
  notes.fetches(rule, target, isLure && isRemote(target) ? "high" : severity);
}
