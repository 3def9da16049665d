/** Numbers and times that people write after options. Each throws USAGE and says what would be right. */
import { GatewayError } from "../core/errors.ts";
import { parseDuration } from "../core/units.ts";

const wrong = (option: string, text: string, remedy: string): GatewayError =>
  new GatewayError("USAGE", { [option]: text.slice(0, 80), remedy });

export function wholeNumber(option: string, text: string, most: number): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > most) throw wrong(option, text, `write a number from 1 to ${most}`);
  return number;
}

/** "24h" is that long ago; or a date. RFC 3339 in UTC. */
export function timePast(option: string, text: string): string {
  const duration = parseDuration(text);
  const at = duration === null ? Date.parse(text) : Date.now() - duration;
  if (!Number.isFinite(at)) throw wrong(option, text, "write 24h, 7d or 2030-01-31");
  return new Date(at).toISOString();
}
