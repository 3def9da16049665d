// The arrows of docs/architecture.md as named rules; test/architecture plants a violation of each.
const contracts =
  "^src/(spool/(spool|journal)|queue/queue|catalog/catalog|records/(records|accounts|audit)|blobs/blob-store|dispose/next-hop)[.]ts$";
const stage = "(accept|dissect|inspect|decide|dispose|review|api)";

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    {
      name: "no-cycles",
      comment: "Move the shared noun into src/core.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "core-imports-nothing",
      comment: "Nouns know nobody.",
      severity: "error",
      from: { path: "^src/core/" },
      to: { pathNot: "^src/core/" },
    },
    {
      name: "stages-are-strangers",
      comment: "Only pipeline.ts and compose.ts see more than one stage; contracts excepted.",
      severity: "error",
      from: { path: `^src/${stage}/` },
      to: { path: `^src/${stage}/`, pathNot: ["^src/$1/", contracts] },
    },
    {
      name: "only-compose-knows-implementations",
      comment: "Import the contract.",
      severity: "error",
      from: { path: "^(src|workers)/", pathNot: "^src/(compose[^/]*[.]ts$|cli/|(spool|queue|blobs|catalog|records)/)" },
      to: { path: "^src/(spool|queue|blobs|catalog|records)/", pathNot: contracts },
    },
    {
      name: "workers-see-only-nouns-and-contracts",
      comment: "Workers may be killed and know no spool.",
      severity: "error",
      from: { path: "^workers/" },
      to: { path: "^src/", pathNot: ["^src/(core|observe|rulepacks|dissect)/", contracts] },
    },
    {
      name: "gateway-never-imports-workers",
      comment: "Only compose starts workers; types of contracts excepted.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(compose[^/]*[.]ts$|cli/)" },
      to: { path: "^workers/", pathNot: "^workers/(engines/engine|extractors/extractor|inspectors/inspector)[.]ts$" },
    },
    {
      name: "decide-is-pure",
      comment: "No clock, no I/O.",
      severity: "error",
      from: { path: "^src/decide/decide[.]ts$" },
      to: { dependencyTypes: ["core", "npm"] },
    },
    {
      name: "disk-only-where-disk-belongs",
      comment: "Ask the spool.",
      severity: "error",
      from: {
        path: "^(src|workers)/",
        pathNot:
          "^(src/(spool|blobs|catalog|records|rulepacks|cli|control)/|src/(config|compose|main|policy-file|demo)[^/]*[.]ts$|src/accept/certificates[.]ts$|src/observe/(disk|log)[.]ts$|workers/)",
      },
      to: { path: "^(node:)?fs(/promises)?$" },
    },
    {
      name: "sockets-only-at-the-edges",
      comment: "Sockets belong to accept, dispose, control, observe.",
      severity: "error",
      from: { path: "^(src|workers)/", pathNot: "^src/(accept|dispose|control|observe|cli)/" },
      to: { path: "^(node:)?(net|tls|http|https|dgram)$" },
    },
    {
      name: "nothing-imports-test",
      comment: "Tests import; they are not imported.",
      severity: "error",
      from: { path: "^(src|workers|bin)/" },
      to: { path: "^(test|fixtures|bench)/" },
    },
    {
      name: "no-orphans",
      comment: "Delete what nobody needs.",
      severity: "error",
      from: { orphan: true, path: "^(src|workers)/", pathNot: "(^src/main[.]ts$|^workers/(opener|matcher)[.]ts$)" },
      to: {},
    },
    {
      name: "not-to-dev-dep",
      comment: "It would be missing in production.",
      severity: "error",
      from: { path: "^(src|workers|bin)/" },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"] },
    },
    {
      name: "not-to-unresolvable",
      comment: "It does not exist.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      extensions: [".ts", ".js", ".mjs"],
      conditionNames: ["import", "node", "default", "types"],
      exportsFields: ["exports"],
    },
  },
};
