import { pause } from '../../../core/calls/waiting';
import type {
  DeleteOptions,
  SecretDescription,
  SecretMetadata,
  SecretReading,
  WriteOptions,
} from '../../../core/contract/custom-secret-manager';
import { translateError } from '../../../core/errors/error-table';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { backoffMs, jittered } from '../../../core/time/backoff';
import { now } from '../../../core/time/clock';
import { DEFAULT_TIMEOUT_MS } from '../../../core/time/durations';
import { NamedLock } from '../../../core/time/named-lock';
import type { VaultCall } from '../options/vault-call';
import type { Requests } from '../session/read-your-writes';
import { waitFor } from '../wire/waiting';
import { descriptionOf, mergeMetadata, type CustomMetadata } from './custom-metadata';
import { subjectOf, type Engine } from './engine';
import { assertExact, omitField, valueOf, type Fields } from './field';
import { Kv2Api, type StoredSecret } from './kv2-api';

const DEFAULT_FIELD = 'value';
const PAUSES = { firstMs: 20, longestMs: 500 };

/** The versioned key-value engine. Description and tags are stored as custom metadata. */
export class Kv2Engine implements Engine {
  readonly #api: Kv2Api;
  readonly #changes = new NamedLock();

  constructor(requests: Requests) {
    this.#api = new Kv2Api(requests);
  }

  read(call: VaultCall): Promise<SecretReading | undefined> {
    return this.#api.read(call, readingOf);
  }

  readSync(call: VaultCall): SecretReading | undefined {
    return readingOf(this.#api.readSync(call), call);
  }

  /** Writes the value after checking description and tags, so that invalid metadata leaves nothing written. */
  async write(call: VaultCall, value: string, options: WriteOptions): Promise<SecretMetadata> {
    assertNoVersion(call, 'A write makes the next version');
    const { description, tags } = options;
    if (description === undefined && tags === undefined)
      return await this.store(call, value, options);
    mergeMetadata(options, {});
    const metadata = mergeMetadata(options, await this.#api.readMetadata(call));
    const written = await this.store(call, value, options);
    await this.describeAfterWrite(call, metadata);
    return written;
  }

  /**
   * Deletes the chosen field and keeps the others, or deletes the whole secret. The server keeps a deleted version
   * until it is restored or destroyed. A window of 0 deletes a secret without other fields completely.
   */
  async delete(call: VaultCall, { recoveryWindowInDays }: DeleteOptions): Promise<void> {
    assertNoVersion(call, 'A deletion is of the latest version');
    const part = recoveryWindowInDays === 0 ? 'metadata' : 'data';
    if (call.field === undefined) return await this.#api.remove(call, part);
    let isLast = false;
    await this.change(call, (fields = {}) => {
      const others = omitField(fields, call.field);
      isLast = Object.keys(others).length === 0;
      return isLast || !hasField(fields, call.field) ? undefined : others;
    });
    if (isLast) await this.#api.remove(call, part);
  }

  async describe(call: VaultCall): Promise<SecretDescription> {
    return descriptionOf(await this.#api.readMetadata(call));
  }

  private async store(
    call: VaultCall,
    value: string,
    { createOnly }: WriteOptions,
  ): Promise<SecretMetadata> {
    const field = { [call.field ?? DEFAULT_FIELD]: value };
    const isAlone = call.field === undefined;
    if (createOnly || isAlone) {
      const written = await this.#api.put(call, field, createOnly ? 0 : undefined);
      if (written !== undefined) return written;
    }
    const written = await this.change(call, (fields) => {
      if (createOnly && exists(fields, call.field)) throw alreadyExists(call);
      return isAlone ? field : { ...fields, ...field };
    });
    return written ?? {};
  }

  /**
   * Writes the next version on top of the latest, and retries after a conflict. Changes in this process run one
   * after the other. No version is written if `next` returns `undefined`.
   */
  private change(
    call: VaultCall,
    next: (fields: Fields | undefined) => Fields | undefined,
  ): Promise<SecretMetadata | undefined> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = call.options;
    const endsAt = now() + timeoutMs;
    const secret = JSON.stringify([call.namespace, call.mount, call.name]);
    const wait = (turn: Promise<unknown>) => waitFor(turn, call.options);
    return this.#changes.run([secret], wait, async () => {
      for (let conflicts = 1; ; conflicts++) {
        const stored = await this.#api.read(call, (current) => current);
        const fields = next(stored.fields);
        if (fields !== undefined) assertExact(fields, call);
        const written = fields && (await this.#api.put(call, fields, stored.version));
        if (fields === undefined || written !== undefined) return written;
        const pauseMs = backoffMs(conflicts, PAUSES);
        if (now() + pauseMs >= endsAt) throw conflict(call);
        await pause(jittered(pauseMs), call.options, CONTEXT);
      }
    });
  }

  /** Fails with `UNKNOWN` if only the metadata write failed. A "not written" code would let the cache serve the old value. */
  private async describeAfterWrite(call: VaultCall, metadata: CustomMetadata): Promise<void> {
    try {
      await this.#api.writeMetadata(call, metadata);
    } catch (thrown) {
      const { code, message } = translateError(thrown, CONTEXT);
      throw new SecretManagerError(
        'UNKNOWN',
        `The value was written, but its description and tags were not (${code}): ${message} Writing it again does no harm.`,
      );
    }
  }
}

const CONTEXT = { manager: 'hashicorp-vault', operation: 'writeSecret' };

function readingOf({ fields, version }: StoredSecret, call: VaultCall): SecretReading | undefined {
  const value = fields && valueOf(fields, call);
  return value === undefined ? undefined : { value, version: String(version) };
}

function assertNoVersion({ version }: VaultCall, why: string): void {
  if (version === undefined) return;
  throw new SecretManagerError('INVALID_ARGUMENT', `${why}: leave params.version out.`);
}

/** Returns whether the secret exists for readers, who see a secret without the chosen field as missing. */
function exists(fields: Fields | undefined, field: string | undefined): boolean {
  return fields !== undefined && (field === undefined || hasField(fields, field));
}

function hasField(fields: Fields, field: string | undefined): boolean {
  return field !== undefined && Object.hasOwn(fields, field);
}

function alreadyExists(call: VaultCall): SecretManagerError {
  return new SecretManagerError(
    'CONFLICT',
    `${subjectOf('Creating', call)} failed: it exists already.`,
  );
}

function conflict(call: VaultCall): SecretManagerError {
  return new SecretManagerError(
    'CONFLICT',
    `${subjectOf('Writing', call)} failed: others wrote it again and again meanwhile. Try again.`,
  );
}
