import type { SecretMetadata } from '../../../core/contract/custom-secret-manager';
import type { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import type { VaultCall } from '../options/vault-call';
import type { Requests } from '../session/read-your-writes';
import { isObject, type VaultAnswer } from '../wire/vault-answer';
import { run, runSync } from '../../http/wire/steps';
import { serverMessageOf, vaultError } from '../wire/vault-errors';
import { hasInternalPart, vaultPath } from '../wire/vault-path';
import type { VaultRequest } from '../wire/vault-request';
import type { CustomMetadata } from './custom-metadata';
import { isAbsent, isDone, subjectOf } from './engine';
import type { Fields } from './field';
import { KvMounts, kv1Mount } from './kv-mounts';

type Method = 'GET' | 'POST' | 'DELETE';
type Part = 'data' | 'metadata';

/** The state of a secret: its fields, unless the latest version was deleted, and the number of that version. */
export interface StoredSecret {
  readonly fields: Fields | undefined;
  readonly version: number;
}

/** The requests of KV 2, and the meaning of their answers. */
export class Kv2Api {
  readonly #requests: Requests;
  readonly #mounts = new KvMounts();

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Resolves to the result of `onAnswer` for the stored secret. */
  read<Result>(
    call: VaultCall,
    onAnswer: (stored: StoredSecret, call: VaultCall) => Result,
  ): Promise<Result> {
    const request = requestOf(call, 'GET', 'data');
    return this.#requests.sendAnd(request, call.options, (answer) => {
      const stored = storedSecretOf(answer, call);
      if (!isAbsent(answer)) return onAnswer(stored, call);
      return this.assertVersioned(call, 'Reading').then(() => onAnswer(stored, call));
    });
  }

  readSync(call: VaultCall): StoredSecret {
    const send = (request: VaultRequest) => this.#requests.sendSync(request, call.options);
    const answer = send(requestOf(call, 'GET', 'data'));
    if (isAbsent(answer)) runSync(this.#mounts.check(call, 'Reading'), send);
    return storedSecretOf(answer, call);
  }

  /**
   * Writes the next version. `cas` is the version that the write must follow. Resolves to `undefined` if another
   * version came first, or if the secret requires `cas`.
   */
  async put(call: VaultCall, data: Fields, cas?: number): Promise<SecretMetadata | undefined> {
    const options = cas === undefined ? undefined : { cas };
    const answer = await this.ask(call, 'POST', 'data', { data, options });
    if (answer.statusCode === 200 && isObject(answer.content?.data)) return metadataOf(answer);
    if (answer.statusCode === 204) throw writtenToKv1(call);
    if (isCasConflict(answer)) return undefined;
    throw failure(answer, 'Writing', call);
  }

  /** Deletes the latest version, which the server can restore (`data`), or the whole secret (`metadata`). */
  async remove(call: VaultCall, part: Part): Promise<void> {
    const answer = await this.ask(call, 'DELETE', part);
    if (!isDone(answer) && !isAbsent(answer)) throw failure(answer, 'Deleting', call);
    await this.assertVersioned(call, 'Deleting');
  }

  async readMetadata(call: VaultCall): Promise<CustomMetadata> {
    const answer = await this.ask(call, 'GET', 'metadata');
    if (isAbsent(answer)) return {};
    const data = answer.content?.data;
    if (answer.statusCode !== 200 || !isObject(data))
      throw failure(answer, 'Reading the description of', call);
    const { custom_metadata: metadata } = data;
    return Object.fromEntries(
      Object.entries(objectOf(metadata)).filter(
        (entry): entry is [string, string] => typeof entry[1] === 'string',
      ),
    );
  }

  async writeMetadata(call: VaultCall, metadata: CustomMetadata): Promise<void> {
    const answer = await this.ask(call, 'POST', 'metadata', { custom_metadata: metadata });
    if (!isDone(answer)) throw failure(answer, 'Describing', call);
  }

  private async assertVersioned(call: VaultCall, doing: string): Promise<void> {
    const send = (request: VaultRequest) => this.#requests.send(request, call.options);
    await run(this.#mounts.check(call, doing), send);
  }

  private async ask(
    call: VaultCall,
    method: Method,
    part: Part,
    content?: object,
  ): Promise<VaultAnswer> {
    const send = (request: VaultRequest) => this.#requests.send(request, call.options);
    if (method !== 'GET' && hasInternalPart(call.name)) {
      await run(this.#mounts.assertMounted(call, 'Changing'), send);
    }
    return await send(requestOf(call, method, part, content));
  }
}

function requestOf(
  { mount, name, namespace, version }: VaultCall,
  method: Method,
  part: Part,
  content?: object,
): VaultRequest {
  const isOfVersion = version !== undefined && method === 'GET' && part === 'data';
  const query = isOfVersion ? `?version=${version}` : '';
  return { method, path: `${vaultPath(mount, part, name)}${query}`, namespace, content };
}

function storedSecretOf(answer: VaultAnswer, call: VaultCall): StoredSecret {
  if (isAbsent(answer)) return { fields: undefined, version: 0 };
  const { data: fields, metadata } = objectOf(answer.content?.data);
  const { version } = objectOf(metadata);
  const isStored = answer.statusCode === 200 && isObject(fields);
  const isDeleted = fields === null && [200, 404].includes(answer.statusCode); // only the status differs from a success
  if (typeof version !== 'number' || !(isStored || isDeleted))
    throw failure(answer, 'Reading', call);
  return { fields: isStored ? fields : undefined, version };
}

function failure(answer: VaultAnswer, doing: string, call: VaultCall): SecretManagerError {
  return vaultError(answer, subjectOf(doing, call));
}

function writtenToKv1(call: VaultCall): SecretManagerError {
  const path = quoteName(`data/${call.name}`);
  return kv1Mount(call, 'Writing', ` What was written stands there as ${path}: delete it.`);
}

function metadataOf({ content }: VaultAnswer): SecretMetadata {
  const { version, created_time: createdAt } = objectOf(content?.data);
  return {
    ...(typeof version === 'number' && { version: String(version) }),
    ...(typeof createdAt === 'string' && { createdAt: new Date(createdAt) }),
  };
}

/** Returns whether another client wrote a version first, or the secret requires `cas`. */
function isCasConflict(answer: VaultAnswer): boolean {
  return (
    answer.statusCode === 400 &&
    /check-and-set parameter (did not match|required)/.test(serverMessageOf(answer))
  );
}

function objectOf(candidate: unknown): Fields {
  return isObject(candidate) ? candidate : {};
}
