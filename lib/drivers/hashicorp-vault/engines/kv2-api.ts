import type { SecretMetadata } from '../../../core/contract/custom-secret-manager';
import type { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import type { VaultCall } from '../options/vault-call';
import type { Requests } from '../session/own-writes';
import { isObject, type VaultAnswer } from '../wire/exchange';
import { sayingsOf, vaultError } from '../wire/vault-errors';
import { hasInternalPart, vaultPath } from '../wire/vault-path';
import type { VaultRequest } from '../wire/vault-request';
import { carry, carrySync } from '../wire/vault-talk';
import type { CustomMetadata } from './custom-metadata';
import { isAbsent, isDone, subjectOf } from './engine';
import type { Fields } from './field';
import { KvMounts, isOfKv1 } from './kv-mounts';

type Method = 'GET' | 'POST' | 'DELETE';
type Part = 'data' | 'metadata';

/** The state of a secret: its fields, unless the latest version was deleted, and the version to follow. */
export interface Kept {
  readonly fields: Fields | undefined;
  readonly version: number;
}

/** What the server of KV 2 can be asked, and what its answers mean. */
export class Kv2Api {
  readonly #requests: Requests;
  readonly #mounts = new KvMounts();

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Resolves to what is made of what is kept. */
  kept<Result>(call: VaultCall, see: (kept: Kept, call: VaultCall) => Result): Promise<Result> {
    const request = requestOf(call, 'GET', 'data');
    return this.#requests.sendAnd(request, call.options, (answer) => {
      const kept = keptOf(answer, call);
      if (!isAbsent(answer)) return see(kept, call);
      return this.assertVersioned(call, 'Reading').then(() => see(kept, call));
    });
  }

  keptSync(call: VaultCall): Kept {
    const send = (request: VaultRequest) => this.#requests.sendSync(request, call.options);
    const answer = send(requestOf(call, 'GET', 'data'));
    if (isAbsent(answer)) carrySync(this.#mounts.check(call, 'Reading'), send);
    return keptOf(answer, call);
  }

  /** Writes the next version. With `cas` it must follow that one; resolves to nothing if it does not, or if `cas` is missing. */
  async put(call: VaultCall, data: Fields, cas?: number): Promise<SecretMetadata | undefined> {
    const options = cas === undefined ? undefined : { cas };
    const answer = await this.ask(call, 'POST', 'data', { data, options });
    if (answer.statusCode === 200 && isObject(answer.content?.data)) return metadataOf(answer);
    if (answer.statusCode === 204) throw misplaced(call);
    if (isOvertaken(answer)) return undefined;
    throw failure(answer, 'Writing', call);
  }

  /** The latest version, of which the server keeps what can be restored, or everything that there is. */
  async remove(call: VaultCall, part: Part): Promise<void> {
    const answer = await this.ask(call, 'DELETE', part);
    if (!isDone(answer) && !isAbsent(answer)) throw failure(answer, 'Deleting', call);
    await this.assertVersioned(call, 'Deleting');
  }

  async customMetadata(call: VaultCall): Promise<CustomMetadata> {
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

  async describeAs(call: VaultCall, metadata: CustomMetadata): Promise<void> {
    const answer = await this.ask(call, 'POST', 'metadata', { custom_metadata: metadata });
    if (!isDone(answer)) throw failure(answer, 'Describing', call);
  }

  private async assertVersioned(call: VaultCall, doing: string): Promise<void> {
    const send = (request: VaultRequest) => this.#requests.send(request, call.options);
    await carry(this.#mounts.check(call, doing), send);
  }

  private async ask(
    call: VaultCall,
    method: Method,
    part: Part,
    content?: object,
  ): Promise<VaultAnswer> {
    const send = (request: VaultRequest) => this.#requests.send(request, call.options);
    if (method !== 'GET' && hasInternalPart(call.name)) {
      await carry(this.#mounts.assertMounted(call, 'Changing'), send);
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

function keptOf(answer: VaultAnswer, call: VaultCall): Kept {
  if (isAbsent(answer)) return { fields: undefined, version: 0 };
  const { data: fields, metadata } = objectOf(answer.content?.data);
  const { version } = objectOf(metadata);
  const isKept = answer.statusCode === 200 && isObject(fields);
  const isDeleted = fields === null && [200, 404].includes(answer.statusCode); // looks like a success but for the status
  if (typeof version !== 'number' || !(isKept || isDeleted)) throw failure(answer, 'Reading', call);
  return { fields: isKept ? fields : undefined, version };
}

function failure(answer: VaultAnswer, doing: string, call: VaultCall): SecretManagerError {
  return vaultError(answer, subjectOf(doing, call));
}

function misplaced(call: VaultCall): SecretManagerError {
  const path = quoteName(`data/${call.name}`);
  return isOfKv1(call, 'Writing', ` What was written stands there as ${path}: delete it.`);
}

function metadataOf({ content }: VaultAnswer): SecretMetadata {
  const { version, created_time: createdAt } = objectOf(content?.data);
  return {
    ...(typeof version === 'number' && { version: String(version) }),
    ...(typeof createdAt === 'string' && { createdAt: new Date(createdAt) }),
  };
}

/** Somebody else wrote a version meanwhile; or the secret is one that none may be written to without `cas`. */
function isOvertaken(answer: VaultAnswer): boolean {
  return (
    answer.statusCode === 400 &&
    /check-and-set parameter (did not match|required)/.test(sayingsOf(answer))
  );
}

function objectOf(candidate: unknown): Fields {
  return isObject(candidate) ? candidate : {};
}
