import { errorName } from '../../core/errors/error-table';
import { isKnownCode } from '../../core/errors/known-codes';
import { read } from '../../core/errors/safe-access';
import type { Warnings } from './subscription';

const LOGIN = 'its broker refuses the login';
const PERMISSION = 'its broker does not permit the channel';

/** The refusals of the brokers and clients: classes of NATS, first words of Redis, SQLSTATEs of PostgreSQL. */
const MEANING: Readonly<Record<string, string>> = {
  AuthorizationError: LOGIN,
  UserAuthenticationExpiredError: LOGIN,
  WRONGPASS: LOGIN,
  NOAUTH: LOGIN,
  '28000': LOGIN,
  '28P01': LOGIN,
  PermissionViolationError: PERMISSION,
  NOPERM: PERMISSION,
  '42501': PERMISSION,
  '3D000': 'its broker has no such database',
  '53300': 'its broker has no connection left',
  '57P03': 'its broker is starting',
  LOADING: 'its broker is starting',
  TimeoutError: 'its broker does not answer',
  InvalidArgumentError: 'its client refuses the options of `connect`; write them in place',
};

/** Emits a process warning for each kind of failure once, so that an outage is no flood. */
export class FailureWarnings implements Warnings {
  readonly #transport: string;
  readonly #emitted = new Set<string>();

  /** @param transport the class that warns, as `NatsTransport` */
  constructor(transport: string) {
    this.#transport = transport;
  }

  /** Warns of a connection that could not subscribe. The text holds the class and the code of the error only. */
  failed(reason: unknown): void {
    const facts = factsOf(reason);
    const meaning = facts.map((fact) => MEANING[fact]).find(Boolean) ?? 'its connection failed';
    const shown = facts.length > 0 ? ` (${facts.join(' ')})` : '';
    this.warn(
      'FLEET_CONNECTION',
      `${this.#transport} cannot subscribe: ${meaning}${shown}. It tries again.`,
    );
  }

  threw(error: unknown): void {
    const name = errorName(error) ?? 'something';
    this.warn('FLEET_LISTENER', `The listener of ${this.#transport} threw ${name}. It goes on.`);
  }

  warn(code: string, message: string): void {
    if (this.#emitted.has(message)) return;
    this.#emitted.add(message);
    process.emitWarning(message, { type: 'SecretManagerWarning', code });
  }
}

/** Returns the class and the code of an error. Its message may quote an address with a password. */
function factsOf(reason: unknown): string[] {
  const candidates = [
    read(reason, 'code'),
    read(read(reason, 'cause'), 'code'), // NATS hides a refused connection behind its own class
    firstWord(read(reason, 'message')), // the code of Redis
  ];
  const code = candidates.find(isShowable);
  return [errorName(reason), code].filter((fact) => fact !== undefined);
}

/** Returns the word in capitals at the beginning of a message. */
export function firstWord(message: unknown): string | undefined {
  return typeof message === 'string' ? /^[A-Z]+\b/.exec(message)?.[0] : undefined;
}

/** Returns whether a code is known. A token may look like a code. */
function isShowable(code: unknown): code is string {
  return typeof code === 'string' && (Object.hasOwn(MEANING, code) || isKnownCode(code));
}
