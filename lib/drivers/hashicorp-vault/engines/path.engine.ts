import {
  type DeleteOptions,
  type SecretDescription,
  type SecretMetadata,
  type SecretReading,
  type WriteOptions,
} from '../../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { NamedLock } from '../../../core/time/named-lock';
import type { VaultCall } from '../options/vault-call';
import type { AuthorizedAnswer } from '../login/credential';
import type { Requests } from '../session/read-your-writes';
import { isObject } from '../wire/vault-answer';
import { run, runSync } from '../../http/wire/steps';
import { isDeadToken, isDenial, vaultError } from '../wire/vault-errors';
import { vaultPath } from '../wire/vault-path';
import type { VaultRequest } from '../wire/vault-request';
import { waitFor } from '../wire/waiting';
import { isAbsent, isDone, subjectOf, unsupported, type Engine } from './engine';
import { valueOf, type Fields } from './field';
import { KvMounts } from './kv-mounts';
import type { LeasedFields } from './lease';
import type { SecretPath, VaultLeases } from './vault-leases';

type Method = 'GET' | 'POST' | 'DELETE';

const DEFAULT_FIELD = 'value';

/** The engine for secrets that are read at their own path: KV 1, and dynamic credentials with a lease. */
export class PathEngine implements Engine, SecretPath {
  readonly #requests: Requests;
  readonly #mounts = new KvMounts();
  readonly #locks = new NamedLock();
  readonly #leases: VaultLeases;

  constructor(requests: Requests, leases: VaultLeases) {
    this.#requests = requests;
    this.#leases = leases;
  }

  async read(call: VaultCall): Promise<SecretReading | undefined> {
    assertNoVersion(call);
    if (call.kvVersion === 1) return readingOf({ fields: await this.readFields(call) }, call);
    return readingOf(await this.#leases.read(call, this), call);
  }

  readSync(call: VaultCall): SecretReading | undefined {
    assertNoVersion(call);
    if (call.kvVersion === 1) return readingOf({ fields: fieldsOf(this.askSync(call)) }, call);
    return readingOf(this.#leases.readSync(call, this), call);
  }

  async ask(call: VaultCall): Promise<AuthorizedAnswer | undefined> {
    return existingAnswer(await this.send('Reading', call, 'GET'), call);
  }

  askSync(call: VaultCall): AuthorizedAnswer | undefined {
    const send = (request: VaultRequest) => this.#requests.sendSync(request, call.options);
    const answer = send(requestOf(call, 'GET'));
    if (mayBeOfKv2(answer, call)) runSync(this.#mounts.check(call, 'Reading'), send);
    return existingAnswer(answer, call);
  }

  async write(call: VaultCall, value: string, options: WriteOptions): Promise<SecretMetadata> {
    assertNoVersion(call);
    const { createOnly, description, tags } = options;
    if (createOnly) throw unsupported(call, 'cannot tell whether a secret exists when it writes');
    if (description !== undefined || tags !== undefined) {
      throw unsupported(call, 'keeps neither description nor tags');
    }
    await this.runLocked(call, async () => {
      const others = call.field === undefined ? {} : await this.readFields(call);
      await this.put(call, { ...others, [call.field ?? DEFAULT_FIELD]: value });
    });
    return {};
  }

  /**
   * Deletes the chosen field and keeps the others, or deletes the whole secret. The engine ignores the recovery
   * window and keeps nothing.
   */
  async delete(call: VaultCall, _options: DeleteOptions): Promise<void> {
    assertNoVersion(call);
    await this.runLocked(call, () => this.deleteField(call));
  }

  describe(_call: VaultCall): Promise<SecretDescription> {
    return Promise.resolve({});
  }

  private async deleteField(call: VaultCall): Promise<void> {
    if (call.kvVersion === 1 && call.field !== undefined) {
      const { [call.field]: chosen, ...others } = (await this.readFields(call)) ?? {};
      if (Object.keys(others).length > 0) {
        if (chosen !== undefined) await this.put(call, others);
        return;
      }
    }
    const answer = await this.send('Deleting', call, 'DELETE');
    if (!isDone(answer) && !isAbsent(answer)) {
      throw vaultError(answer, subjectOf('Deleting', call));
    }
  }

  /** Runs the changes of one secret one after the other, because each write replaces all fields. */
  private runLocked(call: VaultCall, change: () => Promise<void>): Promise<void> {
    const name = JSON.stringify([call.namespace, call.mount, call.name]);
    return this.#locks.run([name], (turn) => waitFor(turn, call.options), change);
  }

  private async put(call: VaultCall, content: Fields): Promise<void> {
    const answer = await this.send('Writing', call, 'POST', content);
    if (!isDone(answer)) throw vaultError(answer, subjectOf('Writing', call));
  }

  private async readFields(call: VaultCall): Promise<Fields | undefined> {
    return fieldsOf(await this.ask(call));
  }

  private async send(
    doing: string,
    call: VaultCall,
    method: Method,
    content?: object,
  ): Promise<AuthorizedAnswer> {
    const send = (request: VaultRequest) => this.#requests.send(request, call.options);
    const answer = await send(requestOf(call, method, content));
    if (mayBeOfKv2(answer, call)) await run(this.#mounts.check(call, doing), send);
    return answer;
  }
}

/** Returns whether a denial may come from a KV 2 mount. Ordinary policies there do not allow the paths of KV 1. */
function mayBeOfKv2(answer: AuthorizedAnswer, { kvVersion }: VaultCall): boolean {
  return kvVersion === 1 && isDenial(answer) && !isDeadToken(answer);
}

function assertNoVersion(call: VaultCall): void {
  if (call.version !== undefined) throw unsupported(call, 'keeps no versions');
}

function requestOf(
  { mount, name, namespace }: VaultCall,
  method: Method,
  content?: object,
): VaultRequest {
  const path = vaultPath(`${mount}/${name}`); // a supposed mount may be a namespace
  return { method, path, namespace, content };
}

/** Returns the answer, or `undefined` if the secret does not exist. */
function existingAnswer(answer: AuthorizedAnswer, call: VaultCall): AuthorizedAnswer | undefined {
  if (isAbsent(answer)) return undefined;
  const data = answer.content?.data;
  if (answer.statusCode !== 200 || !isObject(data))
    throw vaultError(answer, subjectOf('Reading', call));
  if (Object.values(data).includes(answer.credential.token)) throw ownToken(call);
  return answer;
}

/**
 * Refuses to return the own token of the manager, whatever path it was read at. A reader of secrets must not get
 * the rights of the manager.
 */
function ownToken(call: VaultCall): SecretManagerError {
  return new SecretManagerError(
    'ACCESS_DENIED',
    `${subjectOf('Reading', call)} failed: it holds the token of the manager itself, which is no secret of the application.`,
  );
}

function fieldsOf(answer: AuthorizedAnswer | undefined): Fields | undefined {
  const data = answer?.content?.data;
  return isObject(data) ? data : undefined;
}

/** Returns the reading. The `lease_duration` of KV 1 is not a lease and sets no lifetime. */
function readingOf(
  { fields, validForMs }: LeasedFields,
  call: VaultCall,
): SecretReading | undefined {
  const value = fields && valueOf(fields, call);
  return value === undefined ? undefined : { value, validForMs };
}
