/**
 * The seam between us and smtp-server: which of its inner methods we call or replace, and the version whose inner workings we have read.
 * Checked at the start, so that an update cannot change the meaning of DATA or STARTTLS unseen. To move to another version: read its
 * changes to these methods, run `npm test` (the dialogues say what must hold), then change both lists.
 */
import { SMTPServer } from "smtp-server";
import { SMTPConnection } from "smtp-server/lib/smtp-connection.js";
import { SMTPStream } from "smtp-server/lib/smtp-stream.js";
import library from "smtp-server/package.json" with { type: "json" };

const version = "3.21.6";

/** Method and number of its parameters. */
const methods = new Map<{ readonly name: string; readonly prototype: object }, Readonly<Record<string, number>>>([
  [
    SMTPServer,
    {
      connect: 2,
      onConnect: 2,
      onMailFrom: 3,
      onRcptTo: 3,
      onData: 3,
      _expectsProxyHeader: 1,
      _handleProxy: 2,
      updateSecureContext: 1,
    },
  ],
  [
    SMTPConnection,
    {
      init: 0,
      connectionReady: 1,
      send: 3,
      close: 0,
      handler_DATA: 2,
      _armTimeout: 0,
      _createParser: 0,
      _onClose: 0,
      _onCommand: 2,
      _onTimeout: 0,
      _parseAddressCommand: 2,
      _proxyCommandAllowed: 2,
      _setListeners: 1,
    },
  ],
  [SMTPStream, { startDataMode: 1, continue: 0, oncommand: 2, _flushData: 0, _write: 3 }],
]);

/** Throws if the library is not the one that accept/ was written against. */
export function checkSeam(found: string = library.version, expected: typeof methods = methods): void {
  if (found !== version)
    throw new Error(`smtp-server ${version} is needed, ${found} is installed; see src/accept/seam.ts`);
  for (const [type, shapes] of expected)
    for (const [name, parameters] of Object.entries(shapes)) {
      const method: unknown = Reflect.get(type.prototype, name);
      if (typeof method !== "function" || method.length !== parameters)
        throw new Error(`smtp-server ${version}: ${type.name}.${name} is not as expected; see src/accept/seam.ts`);
    }
}
