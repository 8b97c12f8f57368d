import { read } from '../../core/errors/safe-access';
import type { Warnings } from './subscription';

const CLASS_NAME = /^(?=[\w$]{1,64}$)(?:[A-Za-z_$][\w$]*)?(?:Error|Exception)$/;
/** A code of Node, such as `ECONNREFUSED`, or an SQLSTATE, such as `28P01`. */
const CODE = /^(?:[A-Z][A-Z_]{2,40}|[0-9A-Z]{5})$/;
/** The refusals of Redis, which stand at the start of the message. */
const REFUSAL = /^(?:WRONGPASS|NOAUTH|NOPERM|NOPROTO|LOADING|MASTERDOWN|BUSY|ERR)\b/;

/** Emits a process warning for each kind of failure once, so that an outage is no flood. */
export class FailureWarnings implements Warnings {
  readonly #transport: string;
  readonly #emitted = new Set<string>();

  /** @param transport the class that warns, as `NatsTransport` */
  constructor(transport: string) {
    this.#transport = transport;
  }

  /** Warns of a failure of the connection. The text holds the class and the code of the error, and no message. */
  failed(reason: unknown): void {
    this.warn(
      'FLEET_CONNECTION',
      `${this.#transport} has no connection to its broker: ${describe(reason)}. It tries again.`,
    );
  }

  threw(error: unknown): void {
    this.warn(
      'FLEET_LISTENER',
      `The listener of ${this.#transport} threw ${describe(error)}. The transport goes on.`,
    );
  }

  warn(code: string, message: string): void {
    if (this.#emitted.has(message)) return;
    this.#emitted.add(message);
    process.emitWarning(message, { type: 'SecretManagerWarning', code });
  }
}

/** Returns the class and the code of an error. Its message may quote an address with a password. */
function describe(reason: unknown): string {
  if (reason === undefined) return 'it has ended';
  const name = read(reason, 'name');
  const message = read(reason, 'message');
  const words = [
    typeof name === 'string' && CLASS_NAME.test(name) ? name : 'an error',
    REFUSAL.exec(typeof message === 'string' ? message : '')?.[0] ?? codeOf(reason),
  ];
  return words.filter(Boolean).join(' ');
}

/** Returns the code of an error, or of its cause: NATS hides a refused connection behind its own class. */
function codeOf(reason: unknown): string | undefined {
  const codes = [read(reason, 'code'), read(read(reason, 'cause'), 'code')];
  return codes.find((code): code is string => typeof code === 'string' && CODE.test(code));
}
