import assert from "node:assert/strict";
import { test } from "node:test";
import { countReceived, dateTime, receivedField } from "../../../src/accept/trace.ts";

const client = { address: "192.0.2.1", port: 1, name: null, helo: "mail.example", protocol: "ESMTP", tls: null };
const at = new Date("2026-02-03T04:05:06Z");
const trace = { client, hostname: "gateway.test", queueId: "ID", forwardPaths: ["b@site.example"], at };

test("the field names client, us, protocol, id, the only recipient and the time", () => {
  assert.equal(
    receivedField(trace),
    "Received: from mail.example ([192.0.2.1])\r\n\tby gateway.test with ESMTP id ID\r\n\tfor <b@site.example>;\r\n\tTue, 3 Feb 2026 04:05:06 +0000\r\n",
  );
});

test("several recipients do not learn of each other, IPv6 is a literal, TLS is named", () => {
  const field = receivedField({
    ...trace,
    client: { ...client, address: "2001:db8::1", name: "real.example", tls: "TLSv1.3 TLS_AES_256_GCM_SHA384" },
    forwardPaths: ["b@site.example", "c@site.example"],
  });
  assert.match(field, /\(real\.example \[IPv6:2001:db8::1\]\)\r\n\t\(using TLSv1\.3 TLS_AES_256_GCM_SHA384\)/);
  assert.doesNotMatch(field, /for </);
});

test("nothing that a client says can end a line, a comment or a clause", () => {
  const hostile = 'a\r\nX: y\r\n\r\n(b) c;<d>"\\';
  const field = receivedField({ ...trace, client: { ...client, helo: hostile, name: hostile, address: hostile } });
  assert.equal(field.split("\r\n").length, 5);
  assert.doesNotMatch(field, /[<"\\]d|X: y|\(b\)/);
});

test("dates are those of RFC 5322", () => {
  assert.equal(dateTime(new Date("1999-12-31T23:59:59.999Z")), "Fri, 31 Dec 1999 23:59:59 +0000");
});

test("Received is counted at line starts, in any case, with space before the colon", () => {
  assert.equal(
    countReceived("Received: a\r\n\tb\r\nRECEIVED\t:c\r\nX-Received: d\r\nx Received: e\r\nreceived:\r\n"),
    3,
  );
  assert.equal(countReceived(""), 0);
});
