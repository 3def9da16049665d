/** Lists of trusted clients, and what counts as one client. */
import { inNetwork, parseAddress, parseNetwork } from "../core/network.ts";

/** Whether an address lies in one of the networks; an entry that is no network matches nothing. */
export function oneOf(networks: readonly string[]): (address: string) => boolean {
  const parsed = networks.map(parseNetwork).filter((network) => network !== null);
  return (address) => parsed.some((network) => inNetwork(address, network));
}

/** For counting: an IPv4 address, or the /64 of an IPv6 address, since one client has all of it (RFC 4291 §2.5.1). */
export function clientKey(address: string): string {
  const groups = parseAddress(address);
  if (!groups) return address;
  const isV4 = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  return (isV4 ? groups.slice(6) : groups.slice(0, 4)).map((group) => group.toString(16)).join(":");
}
