/** Writes docs/configuration.md from the schema. */
import { configFields, type Field } from "../config-fields.ts";

const head = `# Configuration

Generated from the schema by \`bin/sallyport config docs > docs/configuration.md\`; a test compares them.

One YAML file, by default \`./sallyport.yaml\` or else \`/etc/sallyport/sallyport.yaml\`. The smallest useful one:

\`\`\`yaml
data_dir: ./data
listen:
  smtp: 127.0.0.1:2525
  web: 127.0.0.1:8025
routes:
  - domains: [example.test]
    next_hop: 127.0.0.1:2626
rules: [./rules]
\`\`\`

Durations are written with a unit (\`500ms\`, \`30s\`, \`5m\`, \`2h\`, \`7d\`), sizes too (\`64KiB\`, \`25MiB\`, \`2GiB\`; \`kB\`, \`MB\`, \`GB\` are
powers of ten). Relative paths start at the folder of the file. Unknown names are mistakes. \`sallyport config check\` names file, line,
column and key of every mistake; \`sallyport config show --origin\` prints what is in force and which line says so. SIGHUP
reloads rules, policy and certificate; a mistake in them changes nothing. All other settings need a restart. What happens to messages is decided by the policy: [policy.md](policy.md).
`;

const row = ({ key, kind, byDefault, required, text }: Field): string => {
  const unset = text.includes("Default:") ? "see there" : "none";
  return `| \`${key}\` | ${kind} | ${required ? "**required**" : (byDefault ?? unset)} | ${text} |`;
};

const table = (title: string, fields: readonly Field[]): string =>
  `${title}\n\n| Setting | Kind | Default | |\n|---|---|---|---|\n${fields.map(row).join("\n")}\n`;

/** One table for each mapping of the file; what stands in no mapping comes first. */
export function configurationPage(): string {
  const fields = configFields();
  const plain = fields.filter((field) => !field.key.includes(".") && field.kind !== null);
  const mappings = fields.filter((field) => !field.key.includes(".") && field.kind === null);
  const tables = mappings.map(({ key, text }) => {
    const own = fields.filter((field) => field.kind !== null && /^\w+/.exec(field.key)?.[0] === key);
    return table(`## \`${key}\`\n\n${text}`, own);
  });
  return [head, table("## The file itself", plain), ...tables].join("\n");
}
