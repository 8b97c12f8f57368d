import type { OperationOptions } from '../core/contract/custom-secret-manager';
import {
  SecretManagerError,
  type SecretManagerErrorCode,
} from '../core/errors/secret-manager.error';
import { assertKnownOptions } from '../core/validation/option-rules';

/**
 * The failure of a store.
 *
 * | fault             | the store                         |
 * | ----------------- | --------------------------------- |
 * | `unavailable`     | cannot be reached                 |
 * | `denied`          | denies access                     |
 * | `unauthenticated` | does not know the caller          |
 * | `throttled`       | is busy, and asks for fewer calls |
 * | `hanging`         | does not answer                   |
 * | `malformed`       | answers nonsense                  |
 */
export type Fault =
  'unavailable' | 'denied' | 'unauthenticated' | 'throttled' | 'hanging' | 'malformed';

export interface FaultOptions {
  /** The number of calls that fail before the store is healthy again. Default: all, until `heal()`. */
  readonly times?: number;
  /** The operation that fails. Default: every one. */
  readonly operation?: RecordedCall['operation'];
  /** The secret whose calls fail. Default: every one. */
  readonly secretName?: string;
}

export interface RecordedCall {
  readonly operation:
    | 'readSecret'
    | 'readSecretSync'
    | 'writeSecret'
    | 'deleteSecret'
    | 'describeSecret'
    | 'checkHealth'
    | 'close';
  readonly secretName?: string;
  readonly options?: OperationOptions;
}

interface CurrentFault {
  readonly what: Fault | SecretManagerErrorCode | Error;
  readonly operation: RecordedCall['operation'] | undefined;
  readonly secretName: string | undefined;
  left: number;
}

const FAULT_OPTIONS = ['times', 'operation', 'secretName'];

const CODES: Readonly<Record<Exclude<Fault, 'hanging' | 'malformed'>, SecretManagerErrorCode>> = {
  unavailable: 'UNAVAILABLE',
  denied: 'ACCESS_DENIED',
  unauthenticated: 'UNAUTHENTICATED',
  throttled: 'THROTTLED',
};

/** The fault that a store in memory was given. */
export class GivenFault {
  #current: CurrentFault | undefined;

  set(what: CurrentFault['what'] | undefined, options: FaultOptions): void {
    assertKnownOptions('InMemorySecretManager.fail()', options, FAULT_OPTIONS);
    const { times = Infinity, operation, secretName } = options;
    this.#current = what && { what, operation, secretName, left: times };
  }

  clear(): void {
    this.#current = undefined;
  }

  /** Throws the fault if it applies to the call. Returns a fault that shows in another way. */
  strike(call: RecordedCall): 'hanging' | 'malformed' | undefined {
    const fault = this.#current;
    if (fault === undefined || !appliesTo(fault, call)) return undefined;
    fault.left -= 1;
    if (fault.left <= 0) this.clear();
    const { what } = fault;
    if (what === 'hanging' || what === 'malformed') return what;
    if (typeof what === 'object') throw what;
    const code =
      what in CODES ? CODES[what as keyof typeof CODES] : (what as SecretManagerErrorCode);
    throw new SecretManagerError(code, 'The store was told to fail.');
  }
}

function appliesTo({ operation, secretName }: CurrentFault, call: RecordedCall): boolean {
  return (
    (operation ?? call.operation) === call.operation &&
    (secretName ?? call.secretName) === call.secretName
  );
}
