/** The part of the configuration that is about many machines: Redis for the jobs, a store for their octets, the key that seals both. */
import { hostname } from "node:os";
import { z } from "zod";

const path = z.string().min(1, "must be a path").meta({ kind: "path" });
const placeWords = "must be host:port, such as redis-1.example.com:6379";
const place = z
  .string(placeWords)
  .regex(/^(\[[0-9a-fA-F:]+\]|[^:\s[\]]+):\d{1,5}$/, placeWords)
  .meta({ kind: "host:port" });

const redisWords = "must be a URL such as redis://user@host:6379 or rediss://host:6380/0";
const isRedis = (text: string): boolean => {
  const url = URL.parse(text);
  return (
    url !== null && /^rediss?:$/.test(url.protocol) && url.hostname !== "" && /^(?:\/\d{0,4})?$/.test(url.pathname)
  );
};
const redisUrl = z.string(redisWords).refine(isRedis, redisWords).meta({ kind: "URL" });

const redisSchema = z
  .strictObject({
    url: redisUrl.optional().describe("`redis://user@host:port/db`, or `rediss://` for TLS. One Redis server."),
    sentinels: z.array(place).min(1).optional().describe("Sentinels that know which server is the master now."),
    name: z.string().min(1).default("mymaster").describe("What the Sentinels call the master."),
    cluster: z.array(place).min(1).optional().describe("Some nodes of a Redis Cluster."),
    username: z.string().min(1).optional().describe("User of Redis' access list (ACL)."),
    password_file: path.optional().describe("File with the password, instead of one in the URL."),
    tls: z.boolean().default(false).describe("TLS to Sentinel's master or to a Cluster; a URL says it by `rediss:`."),
    tls_ca: path.optional().describe("File with the certificates that TLS to Redis trusts. Default: those of Node."),
    prefix: z
      .string()
      .regex(/^\{[A-Za-z0-9_.-]{1,60}\}$/, "must be a name in braces, such as {sallyport}")
      .default("{sallyport}")
      .describe("Of all keys and channels. The braces keep a queue on one node of a Cluster."),
  })
  .refine(
    ({ url, sentinels, cluster }) => [url, sentinels, cluster].filter((one) => one !== undefined).length === 1,
    "needs one of `url`, `sentinels` and `cluster`",
  );
export type RedisConfig = z.infer<typeof redisSchema>;

export const queueSchema = z.union([redisUrl.transform((url): RedisConfig => redisSchema.parse({ url })), redisSchema]);

const blobsWords = "must be a folder, or a URL such as s3://bucket/prefix";
const isBlobs = (text: string): boolean =>
  /^s3:\/\/[a-z0-9][a-z0-9.-]{1,62}(?:\/[A-Za-z0-9._=-]+)*\/?$/.test(text) || !/^[a-z0-9+.-]+:\/\//i.test(text);
const blobsUrl = z.string(blobsWords).min(1).refine(isBlobs, blobsWords).meta({ kind: "path or URL" });
const blobsObject = z.strictObject({
  url: blobsUrl.describe("`s3://bucket/prefix`, or a folder that all nodes mount."),
  endpoint: z
    .url({ protocol: /^https?$/, error: "must be a URL such as https://s3.example.com" })
    .optional()
    .describe("Of an S3-compatible store. Default: AWS."),
  region: z.string().min(1).default("us-east-1").describe("Part of the signature; many stores take any."),
  access_key: z.string().min(1).optional().describe("Who we are. Default: what AWS gives to the machine."),
  secret_key_file: path.optional().describe("File with the secret of `access_key`."),
  path_style: z.boolean().default(true).describe("`endpoint/bucket/key` instead of `bucket.endpoint/key`."),
});
export type BlobsConfig = z.infer<typeof blobsObject>;
export const blobsSchema = z.union([blobsUrl.transform((url): BlobsConfig => blobsObject.parse({ url })), blobsObject]);

export const clusterSchema = z.strictObject({
  node: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, "must be a name such as mx-1")
    .default(() => hostname())
    .describe("What this machine is called among the others.")
    .meta({ computed: "the machine's" }),
  key_file: path
    .optional()
    .describe(
      "32 random octets (as they are, in hexadecimal or base64), equal on all nodes: they seal what goes to Redis and to the blob store. Needed as soon as `queue` or `blobs` is set. Make one with `openssl rand -base64 32`.",
    ),
});
export type ClusterConfig = z.infer<typeof clusterSchema>;

export const isFolder = ({ url }: BlobsConfig): boolean => !url.startsWith("s3://");

type Complaint = readonly [path: readonly PropertyKey[], message: string];

interface Cluster {
  readonly queue?: RedisConfig | undefined;
  readonly blobs?: BlobsConfig | undefined;
  readonly cluster: ClusterConfig;
}

/** What no single one of these settings shows. */
export function* clusterComplaints({ queue, blobs, cluster }: Cluster): Generator<Complaint> {
  if (queue && !blobs)
    yield [["queue"], "needs `blobs`, where workers find what they are to look at: a shared folder, or s3://bucket"];
  if ((queue || blobs) && cluster.key_file === undefined)
    yield [[queue ? "queue" : "blobs"], "needs `cluster: { key_file: … }`, the key that all nodes seal with"];
  if (blobs && (blobs.access_key === undefined) !== (blobs.secret_key_file === undefined))
    yield [["blobs"], "`access_key` and `secret_key_file` belong together"];
}

/** The files that these settings name. */
export const clusterFiles = ({ queue, blobs, cluster }: Cluster): readonly (readonly [readonly string[], string])[] =>
  (
    [
      [["queue", "password_file"], queue?.password_file],
      [["queue", "tls_ca"], queue?.tls_ca],
      [["blobs", "secret_key_file"], blobs?.secret_key_file],
      [["cluster", "key_file"], cluster.key_file],
    ] as const
  ).flatMap(([key, file]) => (file === undefined ? [] : [[key, file] as const]));

/** With every path made absolute by `at`. */
export function placed({ queue, blobs, cluster }: Cluster, at: (path: string) => string): Cluster {
  const file = <K extends string>(key: K, path: string | undefined): { readonly [k in K]?: string } =>
    path === undefined ? {} : ({ [key]: at(path) } as { readonly [k in K]: string });
  return {
    ...(queue && {
      queue: { ...queue, ...file("password_file", queue.password_file), ...file("tls_ca", queue.tls_ca) },
    }),
    ...(blobs && {
      blobs: {
        ...blobs,
        ...(isFolder(blobs) ? { url: at(blobs.url) } : {}),
        ...file("secret_key_file", blobs.secret_key_file),
      },
    }),
    cluster: { ...cluster, ...file("key_file", cluster.key_file) },
  };
}
