import {
  type DeleteOptions,
  type SecretDescription,
  type SecretMetadata,
  type SecretReading,
  type WriteOptions,
} from '../../core/custom-secret-manager';
import { isAbsent, subjectOf, unsupportedBy, type Engine } from './engine';
import { isObject, type VaultAnswer } from './exchange';
import { valueOf } from './field';
import type { VaultCall } from './vault-call';
import type { VaultRequest } from './vault-client';
import { vaultError } from './vault-errors';
import type { LeasedFields, VaultLeases } from './vault-leases';
import { vaultPath } from './vault-path';
import type { VaultSession } from './vault-session';

type Fields = Readonly<Record<string, unknown>>;
type Method = 'GET' | 'POST' | 'DELETE';

const DEFAULT_FIELD = 'value';

/** What is read at its own path: KV version 1, and the engines that make credentials, which come with a lease. */
export class PathEngine implements Engine {
  readonly #session: VaultSession;
  readonly #leases: VaultLeases;

  constructor(session: VaultSession, leases: VaultLeases) {
    this.#session = session;
    this.#leases = leases;
  }

  async read(call: VaultCall): Promise<SecretReading | undefined> {
    assertNoVersion(call);
    if (call.kvVersion === 1) return readingOf({ fields: await this.fields(call) }, call);
    return readingOf(await this.#leases.read(call, () => this.content(call)), call);
  }

  readSync(call: VaultCall): SecretReading | undefined {
    assertNoVersion(call);
    const ask = () => contentOf(this.#session.sendSync(requestOf(call, 'GET'), call.options), call);
    if (call.kvVersion === 1) return readingOf({ fields: fieldsOf(ask()) }, call);
    return readingOf(this.#leases.readSync(call, ask), call);
  }

  async write(call: VaultCall, value: string, options: WriteOptions): Promise<SecretMetadata> {
    assertNoVersion(call);
    const { createOnly, description, tags } = options;
    if (createOnly) throw unsupportedBy(call, 'cannot tell whether a secret exists when it writes');
    if (description !== undefined || tags !== undefined) {
      throw unsupportedBy(call, 'keeps neither description nor tags');
    }
    const others = call.field === undefined ? {} : await this.fields(call);
    const content = { ...others, [call.field ?? DEFAULT_FIELD]: value };
    await this.put(call, content);
    return {};
  }

  /** Nothing of it is kept, whatever the recovery window. The fields that were not chosen stay. */
  async delete(call: VaultCall, _options: DeleteOptions): Promise<void> {
    assertNoVersion(call);
    if (call.kvVersion === 1 && call.field !== undefined) {
      const { [call.field]: chosen, ...others } = (await this.fields(call)) ?? {};
      if (Object.keys(others).length > 0) {
        if (chosen !== undefined) await this.put(call, others);
        return;
      }
    }
    const answer = await this.ask(call, 'DELETE');
    if (answer.statusCode !== 204 && !isAbsent(answer)) {
      throw vaultError(answer, subjectOf('Deleting', call));
    }
  }

  describe(_call: VaultCall): Promise<SecretDescription> {
    return Promise.resolve({});
  }

  private async put(call: VaultCall, content: Fields): Promise<void> {
    const answer = await this.ask(call, 'POST', content);
    if (answer.statusCode >= 300) throw vaultError(answer, subjectOf('Writing', call));
  }

  private async fields(call: VaultCall): Promise<Fields | undefined> {
    return fieldsOf(await this.content(call));
  }

  private async content(call: VaultCall): Promise<VaultAnswer['content']> {
    return contentOf(await this.ask(call, 'GET'), call);
  }

  private ask(call: VaultCall, method: Method, content?: object): Promise<VaultAnswer> {
    return this.#session.send(requestOf(call, method, content), call.options);
  }
}

function assertNoVersion(call: VaultCall): void {
  if (call.version !== undefined) throw unsupportedBy(call, 'keeps no versions');
}

function requestOf(
  { mount, name, namespace, kvVersion }: VaultCall,
  method: Method,
  content?: object,
): VaultRequest {
  const isAnyPath = kvVersion === 'none'; // what seems to be a mount may be a namespace
  const path = isAnyPath ? vaultPath(`${mount}/${name}`) : vaultPath(mount, name);
  return { method, path, namespace, content };
}

/** `undefined` if there is no such secret. */
function contentOf(answer: VaultAnswer, call: VaultCall): VaultAnswer['content'] {
  if (isAbsent(answer)) return undefined;
  if (answer.statusCode === 200 && isObject(answer.content?.data)) return answer.content;
  throw vaultError(answer, subjectOf('Reading', call));
}

function fieldsOf(content: VaultAnswer['content']): Fields | undefined {
  return content && isObject(content.data) ? content.data : undefined;
}

/** The `lease_duration` of KV version 1 is no lease. */
function readingOf(
  { fields, validForMs }: LeasedFields,
  call: VaultCall,
): SecretReading | undefined {
  const value = fields && valueOf(fields, call.field);
  return value === undefined ? undefined : { value, validForMs };
}
