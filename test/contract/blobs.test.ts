/** The contract of blobs over a folder and over a real S3 server. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { FolderBlobs } from "../../src/blobs/folder.ts";
import { openS3, type S3Options } from "../../src/blobs/s3.ts";
import { GatewayError, isGatewayError } from "../../src/core/errors.ts";
import { type S3Server, startS3 } from "../support/s3.ts";
import { type BlobsUnderTest, blobsContract } from "./blobs.ts";

const notOpen = (): BlobsUnderTest => {
  throw new Error("asked before it was opened");
};

describe("blobs in a folder", () => {
  const root = mkdtempSync(join(tmpdir(), "blobs-"));
  const dir = join(root, "blobs");
  mkdirSync(dir);
  const under: BlobsUnderTest = {
    blobs: new FolderBlobs(dir),
    again: () => Promise.resolve(new FolderBlobs(dir)),
    breakIt: () => {
      // A file where the folder was: the mount has gone wrong.
      renameSync(dir, `${dir}-away`);
      writeFileSync(dir, "");
      return Promise.resolve(() => {
        rmSync(dir);
        renameSync(`${dir}-away`, dir);
        return Promise.resolve();
      });
    },
  };
  after(() => rmSync(root, { recursive: true, force: true }));
  blobsContract("folder", () => under);
});

describe("blobs in S3", () => {
  let server: S3Server;
  let under: () => BlobsUnderTest = notOpen;
  const optionsOf = ({ bucket, endpoint, region, accessKey, secretKey }: S3Server): S3Options => ({
    bucket,
    prefix: "site-1/",
    endpoint,
    region,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    pathStyle: true,
  });
  before(
    async () => {
      server = await startS3();
      const blobs = await openS3(optionsOf(server));
      under = () => ({
        blobs,
        again: () => openS3(optionsOf(server)),
        async breakIt() {
          await server.kill();
          return () => server.start();
        },
      });
    },
    { timeout: 120_000 },
  );
  after(() => server.stop());
  blobsContract("S3", () => under());

  const complains = async (options: S3Options): Promise<GatewayError> => {
    const blobs = await openS3(options);
    try {
      await blobs.put("denied", 1, Buffer.from("x"));
    } catch (error) {
      assert.ok(isGatewayError(error, "BLOBS_UNAVAILABLE"), String(error));
      return error;
    } finally {
      await blobs.close();
    }
    throw new Error("was let in");
  };

  it("says which credential is wrong, and never shows it", async () => {
    const right = optionsOf(server);
    const wrong = { accessKeyId: server.accessKey, secretAccessKey: "WRONG-wrong-secret" };
    const secret = await complains({ ...right, credentials: wrong });
    assert.match(String(secret.detail["remedy"]), /secret/);
    assert.doesNotMatch(JSON.stringify(secret.detail) + secret.message, /WRONG-wrong/);
    const user = await complains({ ...right, credentials: { ...wrong, accessKeyId: "test:nobody" } });
    assert.match(String(user.detail["remedy"]), /access_key/);
    await assert.rejects((await openS3({ ...right, credentials: wrong })).get("some"), (error) =>
      isGatewayError(error, "BLOBS_UNAVAILABLE"),
    );
  });

  it("says that the bucket is missing", async () => {
    const error = await complains({ ...optionsOf(server), bucket: "no-such-bucket" });
    assert.match(String(error.detail["remedy"]), /bucket/);
  });
});
