import assert from "node:assert/strict";
import { test } from "node:test";
import { Limits } from "../../../src/accept/limits.ts";
import { clientKey, oneOf } from "../../../src/accept/networks.ts";
import { Pace } from "../../../src/accept/pace.ts";
import { configSchema } from "../../../src/config-schema.ts";

const smtp = (settings: object) =>
  configSchema.parse({ routes: [{ domains: ["a.test"], next_hop: "127.0.0.1:1" }], smtp: settings }).smtp;

class MovableClock {
  ms = 0;
  now = (): Date => new Date(this.ms);
  monotonic = (): number => this.ms;
}

test("a client is an IPv4 address, or the /64 of an IPv6 address", () => {
  assert.equal(clientKey("::ffff:192.0.2.1"), clientKey("192.0.2.1"));
  assert.notEqual(clientKey("192.0.2.2"), clientKey("192.0.2.1"));
  assert.equal(clientKey("2001:db8::1"), clientKey("2001:db8:0:0:ffff::2"));
  assert.notEqual(clientKey("2001:db8:0:1::1"), clientKey("2001:db8::1"));
});

test("lists hold addresses and networks of both kinds", () => {
  const listed = oneOf(["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"]);
  for (const address of ["192.0.2.200", "::ffff:192.0.2.1", "2001:db8:ffff::1", "198.51.100.7"])
    assert.ok(listed(address));
  for (const address of ["192.0.3.1", "2001:db9::1", "198.51.100.8", "", "nonsense"]) assert.ok(!listed(address));
  assert.ok(!oneOf([])("127.0.0.1"));
});

test("connections are counted per client and in all, until they leave", () => {
  const limits = new Limits(smtp({ max_connections: 3, max_connections_per_client: 2 }), new MovableClock());
  assert.equal(limits.enter("192.0.2.1"), null);
  assert.equal(limits.enter("192.0.2.1"), null);
  assert.equal(limits.enter("192.0.2.1")?.status.basic, 21);
  assert.equal(limits.enter("192.0.2.2"), null);
  assert.equal(limits.enter("192.0.2.3")?.status.basic, 21);
  limits.leave("192.0.2.1");
  assert.equal(limits.enter("192.0.2.1"), null);
  for (const address of ["192.0.2.1", "192.0.2.1", "192.0.2.2"]) limits.leave(address);
  assert.equal(limits.connections, 0);
});

test("the rate of a client fills up evenly again", () => {
  const clock = new MovableClock();
  const limits = new Limits(smtp({ rate_per_client: 6 }), clock);
  const taken = (): number => Array.from({ length: 10 }, () => limits.message("192.0.2.1")).filter(Boolean).length;
  assert.equal(taken(), 6);
  clock.ms += 20_000;
  assert.equal(taken(), 2);
  clock.ms += 3_600_000;
  assert.equal(taken(), 6);
  assert.ok(limits.message("192.0.2.2"));
});

test("no rate is no limit", () => {
  const limits = new Limits(smtp({}), new MovableClock());
  for (let i = 0; i < 100; i++) assert.ok(limits.message("192.0.2.1"));
});

test("a slow sender is called slow after 30 s, and only our waiting for it counts", () => {
  const clock = new MovableClock();
  const pace = new Pace(100, clock);
  const drip = (octets: number, waitMs: number): boolean => {
    clock.ms += waitMs;
    const isSlow = pace.isTooSlow(octets);
    clock.ms += 600_000;
    pace.ready();
    return isSlow;
  };
  for (let i = 0; i < 3; i++) assert.ok(!drip(1, 10_000));
  assert.ok(drip(1, 1));
  assert.ok(!drip(5000, 1));
  assert.ok(drip(1, 60_000));
});
