import {
  CustomSecretManager,
  type OperationOptions,
  type SecretAnswer,
} from 'nestjs-custom-secret-manager';
import type { Behaviour, Case } from './oracle';

export interface OracleCall {
  readonly operation: 'read' | 'write' | 'delete';
  readonly name: string;
  readonly options: OperationOptions | undefined;
}

/** The manager of one case, reading only. */
export class ReadOnlyMgr extends CustomSecretManager {
  readonly calls: OracleCall[] = [];
  readonly store: Map<string, unknown>;

  constructor(protected readonly given: Case['given']) {
    super('ro');
    this.store = new Map(Object.entries(given.managerSecrets));
  }

  override async readSecret(name: string, options?: OperationOptions): Promise<SecretAnswer> {
    this.calls.push({ operation: 'read', name, options });
    fail(this.given.managerBehaviour.syncRead, name);
    return this.store.get(name) as SecretAnswer;
  }
}

/** The manager of one case. */
export class OracleManager extends ReadOnlyMgr {
  override async writeSecret(
    name: string,
    value: string,
    options?: OperationOptions,
  ): Promise<void> {
    this.calls.push({ operation: 'write', name, options });
    const { write } = this.given.managerBehaviour;
    fail(write, name);
    if (write?.returns) return write.returns as never;
    this.store.set(name, value);
  }

  override async deleteSecret(name: string, options?: OperationOptions): Promise<void> {
    this.calls.push({ operation: 'delete', name, options });
    fail(this.given.managerBehaviour.delete, name);
    this.store.delete(name);
  }
}

/** The errors of a JavaScript client for those of Python's. */
const THROWN: Readonly<Record<string, (behaviour: Behaviour) => object>> = {
  RuntimeError: ({ message = '' }) => ({ status: Number(/^\d{3}/.exec(message)?.[0] ?? 429) }),
  ConnectionError: () => ({ code: 'ECONNREFUSED' }),
  CancelledError: () => ({ name: 'AbortError' }),
  PermissionError: () => ({ status: 403 }),
  TimeoutException: () => ({ name: 'TimeoutError' }),
  HTTPStatusError: ({ responseText }) => ({ response: { status: 400, body: responseText } }),
};

function fail(behaviour: Behaviour | undefined, name: string): void {
  if (behaviour?.error === undefined || (behaviour.onName ?? name) !== name) return;
  throw Object.assign(new Error(behaviour.message), THROWN[behaviour.error]?.(behaviour));
}
