/** The description of the API as one page of HTML that loads nothing and runs nothing. */
import type { Operation } from "./operation.ts";
import { openApi } from "./openapi.ts";

const escape = (text: string): string =>
  text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`).replace(/`([^`]+)`/g, "<code>$1</code>");

interface Described {
  readonly description: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: unknown }>> };
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema?: unknown }>> }>
  >;
}

const shape = (title: string, schema: unknown): string =>
  schema === undefined
    ? ""
    : `<details><summary>${title}</summary><pre>${escape(JSON.stringify(schema, null, 1))}</pre></details>`;

function section(id: string, { method, path, summary }: Operation, of: Described): string {
  const parameters = of.parameters.map(
    ({ name, in: where, required }) =>
      `<li><code>${escape(name)}</code> in ${where}${required ? "" : ", optional"}</li>`,
  );
  const [[, answer] = []] = Object.entries(of.responses);
  return [
    `<section id="${escape(id)}"><h3><b>${method}</b> <code>/api/v1${escape(path)}</code></h3>`,
    `<p>${escape(summary)} ${escape(of.description)}</p>`,
    parameters.length > 0 ? `<ul>${parameters.join("")}</ul>` : "",
    shape("Body", of.requestBody?.content["application/json"]?.schema),
    shape("Answer", answer?.content["application/json"]?.schema),
    "</section>",
  ].join("");
}

const style =
  "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}pre{overflow:auto;font-size:13px}h3{margin-bottom:0}";

/** `nonce`: what the security policy lets the style through by. */
export function docsPage(operations: Readonly<Record<string, Operation>>, version: string, nonce: string): string {
  const { paths } = openApi(operations, version) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  };
  const tags = Map.groupBy(Object.entries(operations), ([, { tag }]) => tag);
  const sections = [...tags].map(([tag, all]) => {
    const inside = all.map(([id, operation]) => {
      const path = `/api/v1${operation.path.replace(/:(\w+)/g, "{$1}")}`;
      const described = paths[path]?.[operation.method.toLowerCase()];
      return described ? section(id, operation, described) : "";
    });
    return `<h2>${escape(tag)}</h2>${inside.join("")}`;
  });
  return [
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">`,
    `<title>Sallyport API</title><style nonce="${nonce}">${style}</style><h1>Sallyport API ${escape(version)}</h1>`,
    '<p>Also as <a href="/api/v1/openapi.json">OpenAPI 3.1</a> (signed in). Errors are problems (RFC 9457).</p>',
    ...sections,
  ].join("\n");
}
