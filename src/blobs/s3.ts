/** Blobs in an S3 bucket, with nothing but what every S3-compatible store has: no conditional puts, no checksums of the SDK's own, path style on request. */
import { Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import { GatewayError } from "../core/errors.ts";
import type { Bytes, Millis } from "../core/message.ts";
import { type BlobFacts, type BlobStore, notThere, requireKey, requirePrefix, wrongSize } from "./blob-store.ts";

export interface S3Options {
  readonly bucket: string;
  /** "" or ends with "/". */
  readonly prefix: string;
  /** Default: that of AWS for the region. */
  readonly endpoint?: string;
  readonly region: string;
  /** Default: what AWS gives to the machine (environment, instance role). */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly pathStyle: boolean;
}

/** A store that says nothing for so long is gone. */
const connectMs: Millis = 3_000;
const silenceMs: Millis = 10_000;
const atOnce = 100;
const quiet = (): void => undefined;

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : "");
const statusOf = (error: unknown): number => {
  const { $metadata } = error as { readonly $metadata?: { readonly httpStatusCode?: number } };
  return $metadata?.httpStatusCode ?? 0;
};
const isAbsent = (error: unknown): boolean =>
  nameOf(error) === "NoSuchKey" || (statusOf(error) === 404 && nameOf(error) !== "NoSuchBucket");

/** What the usual mistakes are called, and what mends them. */
const remedies: Readonly<Record<string, string>> = {
  SignatureDoesNotMatch: "the secret is wrong: check blobs.secret_key_file, and blobs.access_key",
  InvalidAccessKeyId: "the store does not know this user: check blobs.access_key",
  AccessDenied: "give the user the right to put, get, list and delete in this bucket",
  Forbidden: "check blobs.access_key and blobs.secret_key_file, and the rights of the user",
  "403": "check blobs.access_key and blobs.secret_key_file, and the rights of the user",
  RequestTimeTooSkewed: "our clock and that of the store differ: synchronise them",
  NoSuchBucket: "make the bucket, or name another in blobs.url",
};

function unavailable(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  const name = nameOf(error);
  const remedy = remedies[name] ?? (statusOf(error) === 403 ? remedies["Forbidden"] : undefined);
  return new GatewayError("BLOBS_UNAVAILABLE", { reason: name, ...(remedy ? { remedy } : {}) }, error);
}

/** Passes octets on and complains when there are not as many as promised. */
async function* counted(key: string, size: Bytes, octets: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let got = 0;
  for await (const chunk of octets) {
    got += chunk.length;
    if (got > size) break;
    yield chunk;
  }
  if (got !== size) throw wrongSize(key, size, got);
}

/** Loads the SDK only here: it takes a quarter of a second, and a gateway of one machine has no use for it. */
export async function openS3(options: S3Options): Promise<BlobStore> {
  const sdk = await import("@aws-sdk/client-s3");
  const client: S3Client = new sdk.S3Client({
    region: options.region,
    forcePathStyle: options.pathStyle,
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    maxAttempts: 2,
    // It would write to standard output, between our lines.
    logger: { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet },
    requestHandler: {
      connectionTimeout: connectMs,
      requestTimeout: silenceMs,
      throwOnRequestTimeout: true,
      httpAgent: { maxSockets: atOnce, keepAlive: true },
      httpsAgent: { maxSockets: atOnce, keepAlive: true },
    },
  });
  const Bucket = options.bucket;
  const at = (key: string): { readonly Bucket: string; readonly Key: string } => ({
    Bucket,
    Key: options.prefix + requireKey(key),
  });

  async function* list(prefix: string): AsyncIterable<BlobFacts> {
    const Prefix = options.prefix + requirePrefix(prefix);
    for (let more: string | undefined, first = true; first || more !== undefined; first = false) {
      const page = await client
        .send(
          new sdk.ListObjectsV2Command({ Bucket, Prefix, ...(more === undefined ? {} : { ContinuationToken: more }) }),
        )
        .catch((error: unknown) => {
          throw unavailable(error);
        });
      for (const { Key = "", Size = 0, LastModified } of page.Contents ?? [])
        yield { key: Key.slice(options.prefix.length), size: Size, modifiedAt: LastModified ?? new Date(0) };
      more = page.IsTruncated ? page.NextContinuationToken : undefined;
    }
  }

  return {
    async put(key, size, octets) {
      const target = at(key);
      if (octets instanceof Uint8Array && octets.length !== size) throw wrongSize(key, size, octets.length);
      const gaveUp = new AbortController();
      const Body = octets instanceof Uint8Array ? octets : Readable.from(counted(key, size, octets));
      // The SDK would wait for the rest of a body that has failed.
      if (Body instanceof Readable) Body.on("error", (error) => gaveUp.abort(error));
      try {
        const order = new sdk.PutObjectCommand({ ...target, Body, ContentLength: size });
        await client.send(order, { abortSignal: gaveUp.signal });
      } catch (error) {
        throw unavailable(gaveUp.signal.aborted ? gaveUp.signal.reason : error);
      } finally {
        // The SDK drops a body that it cannot send: nobody would close the file behind it, and Node ends a process that loses one.
        if (Body instanceof Readable) Body.destroy();
      }
    },
    async get(key) {
      const target = at(key);
      try {
        const { Body } = await client.send(new sdk.GetObjectCommand(target));
        if (!(Body instanceof Readable)) throw new TypeError("an answer without a stream");
        return Body;
      } catch (error) {
        throw isAbsent(error) ? notThere(key, error) : unavailable(error);
      }
    },
    async stat(key) {
      const target = at(key);
      try {
        const { ContentLength = 0, LastModified } = await client.send(new sdk.HeadObjectCommand(target));
        return { key, size: ContentLength, modifiedAt: LastModified ?? new Date(0) };
      } catch (error) {
        if (isAbsent(error)) return null;
        throw unavailable(error);
      }
    },
    async remove(key) {
      const target = at(key);
      try {
        await client.send(new sdk.DeleteObjectCommand(target));
      } catch (error) {
        if (!isAbsent(error)) throw unavailable(error);
      }
    },
    list,
    close: () => Promise.resolve(client.destroy()),
  };
}
