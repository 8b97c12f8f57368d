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
import { vaultError } from './vault-errors';
import type { VaultLeases } from './vault-leases';
import { vaultPath } from './vault-path';
import type { VaultSession } from './vault-session';

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
    if (call.version !== undefined) throw unsupportedBy(call, 'keeps no versions');
    const { fields, validForMs } =
      call.kvVersion === 1
        ? { fields: await this.fields(call), validForMs: undefined } // its lease_duration is no lease
        : await this.#leases.read(call, () => this.answer(call));
    const value = fields && valueOf(fields, call.field);
    return value === undefined ? undefined : { value, validForMs };
  }

  async write(call: VaultCall, value: string, options: WriteOptions): Promise<SecretMetadata> {
    const { createOnly, description, tags } = options;
    if (createOnly) throw unsupportedBy(call, 'cannot tell whether a secret exists when it writes');
    if (description !== undefined || tags !== undefined) {
      throw unsupportedBy(call, 'keeps neither description nor tags');
    }
    const others = call.field === undefined ? {} : await this.fields(call);
    const content = { ...others, [call.field ?? DEFAULT_FIELD]: value };
    const answer = await this.ask(call, 'POST', content);
    if (answer.statusCode >= 300) throw vaultError(answer, subjectOf('Writing', call));
    return {};
  }

  /** Nothing of it is kept, whatever the recovery window. */
  async delete(call: VaultCall, _options: DeleteOptions): Promise<void> {
    const answer = await this.ask(call, 'DELETE');
    if (answer.statusCode !== 204 && !isAbsent(answer)) {
      throw vaultError(answer, subjectOf('Deleting', call));
    }
  }

  describe(_call: VaultCall): Promise<SecretDescription> {
    return Promise.resolve({});
  }

  private async fields(call: VaultCall): Promise<Readonly<Record<string, unknown>> | undefined> {
    const answer = await this.answer(call);
    return answer && isObject(answer.data) ? answer.data : undefined;
  }

  /** `undefined` if there is no such secret. */
  private async answer(call: VaultCall): Promise<VaultAnswer['content']> {
    const answer = await this.ask(call, 'GET');
    if (isAbsent(answer)) return undefined;
    if (answer.statusCode === 200 && isObject(answer.content?.data)) return answer.content;
    throw vaultError(answer, subjectOf('Reading', call));
  }

  private ask(
    { mount, name, namespace, options }: VaultCall,
    method: 'GET' | 'POST' | 'DELETE',
    content?: object,
  ): Promise<VaultAnswer> {
    const path = vaultPath(mount, name);
    return this.#session.send({ method, path, namespace, content }, options);
  }
}
