/** Words that stand for what a column says, so that the index of words can answer for all of it at once. */
import { hash } from "node:crypto";
import type { Query, Summary } from "./catalog.ts";

const ofState = (state: string): string => `s${state}`;
const ofSeverity = (severity: string): string => `v${severity}`;
const ofDisposition = (disposition: string): string => `d${disposition}`;
const ofRoute = (route: string): string => `r${hash("sha256", route, "hex").slice(0, 12)}`;

/** Letters and digits only. */
export const factsOf = ({ state, severity, disposition, route }: Summary): readonly string[] => [
  ofState(state),
  ofSeverity(severity ?? ""),
  ofDisposition(disposition ?? ""),
  ofRoute(route),
];

/** One of each list must hold. */
export function factsIn({ states, severities, dispositions, routes }: Query): readonly (readonly string[])[] {
  return [
    ...(states ? [states.map(ofState)] : []),
    ...(severities ? [severities.map(ofSeverity)] : []),
    ...(dispositions ? [dispositions.map(ofDisposition)] : []),
    ...(routes ? [routes.map(ofRoute)] : []),
  ];
}
