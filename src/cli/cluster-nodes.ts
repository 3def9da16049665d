/** `sallyport doctor --cluster`: every node, what it runs, how far it is behind. */
import type { NodeSeen, Release } from "../records/releases.ts";
import { safe, table } from "./output.ts";
import type { Context, ExitCode } from "./program.ts";
import { withReleases } from "./releases.ts";

/** Beyond, times of logs and journals of several nodes cannot be compared. */
const drift = 5_000;

interface View {
  readonly nodes: readonly NodeSeen[];
  readonly newest: Release | null;
  readonly active: Release | null;
}

function problemsOf({ nodes, newest, active }: View): readonly string[] {
  const alive = nodes.filter(({ isAlive }) => isAlive);
  const versions = new Set(alive.map(({ version }) => version));
  return [
    ...(alive.length === 0 ? ["no node gives a sign of life"] : []),
    ...(versions.size > 1 ? [`nodes run different versions: ${[...versions].join(", ")}`] : []),
    ...alive.flatMap(({ node, role, error, aheadMs, active: own }) => [
      ...(error ? [`${node} (${role}): ${error}`] : []),
      ...(Math.abs(aheadMs) > drift
        ? [`${node} (${role}): its clock is ${Math.round(aheadMs / 1000)} s off; synchronise it (chrony)`]
        : []),
      ...(active && own !== active.n
        ? [`${node} (${role}): has ${own ?? "its own rules"}, not release ${active.n}`]
        : []),
    ]),
    ...(newest && newest.n !== active?.n ? [`release ${newest.n} waits until every living node is ready`] : []),
  ];
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

export async function showCluster(context: Context): Promise<ExitCode> {
  const view: View = await withReleases(context.config().config, async (releases) => ({
    nodes: await releases.nodes(),
    ...(await releases.wanted()),
  }));
  const problems = problemsOf(view);
  context.out.result({ ok: problems.length === 0, ...view, problems }, () =>
    [
      table(
        ["NODE", "ROLE", "VERSION", "ALIVE", "LAST SEEN", "CLOCK", "READY", "IN FORCE"],
        view.nodes.map((one) => [
          ...[one.node, one.role, one.version, one.isAlive ? "yes" : "NO", seconds(one.silentMs)],
          ...[seconds(one.aheadMs), one.ready ?? "-", one.active ?? "its own"],
        ]),
      ),
      "",
      view.active
        ? `Release ${view.active.n} is in force since ${view.active.activatedAt?.toISOString() ?? ""}.`
        : "Nothing has been published: each node uses its own rules and policy.",
      ...problems.map(safe),
    ].join("\n"),
  );
  return problems.length === 0 ? 0 : 1;
}
