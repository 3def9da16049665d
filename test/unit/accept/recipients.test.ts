import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMailbox } from "../../../src/accept/path.ts";
import { type Recipient, Recipients } from "../../../src/accept/recipients.ts";
import { configSchema } from "../../../src/config-schema.ts";
import { code } from "../../../src/core/status.ts";

const recipients = (more: Readonly<Record<string, unknown>> = {}): Recipients =>
  new Recipients(
    configSchema.parse({
      hostname: "gateway.test",
      routes: [
        { name: "wide", domains: ["*.example"], next_hop: "127.0.0.1:1" },
        { name: "narrow", domains: ["*.deep.example", "deep.example"], next_hop: "127.0.0.1:1" },
        { name: "exact", domains: ["One.Deep.Example", "bücher.test"], next_hop: "127.0.0.1:1" },
      ],
      ...more,
    }),
  );

function find(address: string, more = {}): string {
  const mailbox = address === "postmaster" ? { address, localPart: address, domain: "" } : parseMailbox(address);
  const found = recipients(more).find(mailbox ?? assert.fail(address));
  return "status" in found ? String(code(found.status)) : `${found.address} ${found.route}`;
}

test("an exact domain goes before a wildcard, a longer wildcard before a shorter", () => {
  assert.equal(find("a@one.deep.example"), "a@one.deep.example exact");
  assert.equal(find("a@two.deep.example"), "a@two.deep.example narrow");
  assert.equal(find("a@deep.example"), "a@deep.example narrow");
  assert.equal(find("a@x.y.example"), "a@x.y.example wide");
});

test("a wildcard does not include its own domain, and nothing else is taken", () => {
  for (const domain of ["example", "test", "example.test", "xexample", "[192.0.2.1]"])
    assert.equal(find(`a@${domain}`), "550");
});

test("U-labels and A-labels are the same domain", () => {
  assert.equal(find("a@bücher.test"), "a@bücher.test exact");
  assert.equal(find("a@BÜCHER.test"), "a@BÜCHER.test exact");
  assert.equal(find("a@xn--bcher-kva.test"), "a@xn--bcher-kva.test exact");
});

test("a local part with a route of its own is refused", () => {
  for (const local of ["b%evil.test", "evil.test!b", '"b@evil.test"', '"b\\@evil.test"'])
    assert.equal(find(`${local}@deep.example`), "550");
});

test("postmaster without a domain, or at our name, goes to whom the configuration names, else to the first domain", () => {
  assert.equal(find("postmaster"), "postmaster@deep.example narrow");
  assert.equal(find("Postmaster@gateway.test"), "postmaster@deep.example narrow");
  const notifications = { notifications: { postmaster: "it@one.deep.example" } };
  assert.equal(find("postmaster", notifications), "it@one.deep.example exact");
  assert.equal(find("postmaster", { notifications: { postmaster: "it@elsewhere.test" } }), "it@elsewhere.test wide");
  assert.equal(find("postmaster@elsewhere.test"), "550");
});

test("keys are equal for what is one mailbox", () => {
  const key = (address: string) => (recipients().find(parseMailbox(address) ?? assert.fail()) as Recipient).key;
  assert.equal(key("a@One.Deep.Example"), key("a@one.deep.example"));
  assert.notEqual(key("A@deep.example"), key("a@deep.example"));
  assert.equal(key('"a"@deep.example'), key("a@deep.example"));
});
