/** A real S3 server: OpenStack Swift with its s3api, which checks signatures; one disk, one replica, free ports, a folder of its own. */
import { execFile } from "node:child_process";
import { createHash, createHmac, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "./gateway.ts";
import { type ServerProcess, startProcess, untilListening } from "./server-process.ts";

export interface S3Server {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly bucket: string;
  /** The proxy alone: clients see a server that is gone. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const runFile = promisify(execFile);
const kinds = ["object", "container", "account"] as const;
const program = (name: string): string => `/usr/bin/swift-${name}-server`;

const backend = (kind: string, dir: string, port: number): string => `
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = root
swift_dir = ${dir}
devices = ${dir}/srv
mount_check = false
log_level = ERROR
fallocate_reserve = 0
[pipeline:main]
pipeline = ${kind}-server
[app:${kind}-server]
use = egg:swift#${kind}
`;

const proxy = (dir: string, port: number, memcache: number, secret: string): string => `
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = root
swift_dir = ${dir}
log_level = ERROR
[pipeline:main]
pipeline = catch_errors gatekeeper cache listing_formats s3api tempauth bulk slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = ${secret} .admin
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
location = us-east-1
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${memcache}
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
`;

const hmac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();

/** The bucket is made by hand, with Signature Version 4, so that the client under test needs no right to make one. */
async function makeBucket(endpoint: string, bucket: string, accessKey: string, secretKey: string): Promise<void> {
  const { host } = new URL(endpoint);
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const day = stamp.slice(0, 8);
  const empty = createHash("sha256").update("").digest("hex");
  const signed = "host;x-amz-content-sha256;x-amz-date";
  const request = `PUT\n/${bucket}\n\nhost:${host}\nx-amz-content-sha256:${empty}\nx-amz-date:${stamp}\n\n${signed}\n${empty}`;
  const scope = `${day}/us-east-1/s3/aws4_request`;
  const toSign = `AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${createHash("sha256").update(request).digest("hex")}`;
  const key = ["us-east-1", "s3", "aws4_request"].reduce(hmac, hmac(`AWS4${secretKey}`, day));
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope}, SignedHeaders=${signed}, Signature=${hmac(key, toSign).toString("hex")}`;
  const headers = { "x-amz-content-sha256": empty, "x-amz-date": stamp, authorization };
  const response = await fetch(`${endpoint}/${bucket}`, { method: "PUT", headers });
  if (!response.ok) throw new Error(`the bucket was not made: ${response.status} ${await response.text()}`);
}

async function startBackend(kind: (typeof kinds)[number], dir: string, port: number): Promise<ServerProcess> {
  const builder = join(dir, `${kind}.builder`);
  const ring = (...args: readonly string[]) => runFile("/usr/bin/swift-ring-builder", [builder, ...args]);
  await ring("create", "4", "1", "1");
  await ring("add", `r1z1-127.0.0.1:${port}/disk`, "1");
  await ring("rebalance");
  const file = join(dir, `${kind}.conf`);
  writeFileSync(file, backend(kind, dir, port));
  const server = startProcess([program(kind), file]);
  await untilListening(port, server);
  return server;
}

export async function startS3(): Promise<S3Server> {
  if (!existsSync(program("proxy")))
    throw new Error(
      "Swift is missing; on Debian: apt-get install --no-install-recommends swift-proxy swift-account swift-container swift-object memcached",
    );
  const dir = mkdtempSync(join(tmpdir(), "swift-"));
  mkdirSync(join(dir, "srv/disk"), { recursive: true });
  const secretKey = randomBytes(12).toString("hex");
  writeFileSync(
    join(dir, "swift.conf"),
    "[swift-hash]\nswift_hash_path_suffix = test\nswift_hash_path_prefix = test\n[storage-policy:0]\nname = one\ndefault = yes\n",
  );
  const memcache = await freePort();
  const ports = [await freePort(), await freePort(), await freePort()] as const;
  const running = [
    startProcess(["/usr/bin/memcached", "-l", "127.0.0.1", "-p", String(memcache), "-u", "root"]),
    ...(await Promise.all(kinds.map((kind, i) => startBackend(kind, dir, ports[i] ?? 0)))),
  ];
  const port = await freePort();
  const file = join(dir, "proxy.conf");
  writeFileSync(file, proxy(dir, port, memcache, secretKey));
  let front: ServerProcess;
  const start = async (): Promise<void> => {
    front = startProcess([program("proxy"), file]);
    await untilListening(port, front);
  };
  await start();
  const endpoint = `http://127.0.0.1:${port}`;
  const accessKey = "test:tester";
  const bucket = "mail";
  await makeBucket(endpoint, bucket, accessKey, secretKey);
  return {
    endpoint,
    region: "us-east-1",
    accessKey,
    secretKey,
    bucket,
    kill: () => front.stop(),
    start,
    async stop() {
      await Promise.all([front, ...running].map((server) => server.stop()));
      rmSync(dir, { recursive: true, force: true, maxRetries: 3, retryDelay: 100 });
    },
  };
}
