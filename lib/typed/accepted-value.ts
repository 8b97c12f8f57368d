import type { ServedSecret } from '../core/contract/secret';
import {
  SecretManagerError,
  hasCode,
  isSecretManagerError,
  isTransient,
  type OperationContext,
} from '../core/errors/secret-manager.error';
import type { AgeClock } from '../core/time/clock';
import type { CachedReading } from '../policies/cache/secret-cache';
import type { ReadOutcome } from '../policies/policy';
import type { ReadLimits, SecretView, Served } from '../service/reading/secret-view';
import type { Converted } from './conversions/converted';

export interface AcceptedValueOptions {
  readonly convert: (text: string) => Converted;
  /** The field and its secret, as the subject of a message. */
  readonly title: string;
  readonly context: OperationContext;
  readonly clock: AgeClock;
  /** The largest age of the last accepted version, in milliseconds. */
  readonly maxStaleMs: number;
  /** Receives what the parser, the validator or the schema reported. */
  readonly debug: (original: unknown) => void;
}

interface Accepted extends Served<unknown> {
  readonly facts: ServedSecret;
  readonly readAt: number;
  /** The lease of the store, in milliseconds. */
  readonly leaseMs: number;
}

/** The value of a text, or the message of its refusal. */
type Result = Served<unknown> | string;

/**
 * The values that one field serves. Each text is converted once. A new version that is refused leaves the last
 * accepted one in service, within the bounds of the cache.
 */
export class AcceptedValue implements SecretView<unknown> {
  readonly #options: AcceptedValueOptions;
  /** The last version of the store that was accepted. */
  #accepted: Accepted | undefined;
  /** The last text that is not the accepted one, so that it is converted once. */
  #last: { readonly text: string; readonly result: Result } | undefined;
  #isAbsent = false;
  #hasAccepted = false;

  constructor(options: AcceptedValueOptions) {
    this.#options = options;
  }

  /** `true` if the store had no such secret when it was last asked. */
  get isAbsent(): boolean {
    return this.#isAbsent;
  }

  /** `true` once a version was accepted. Until then a refused text keeps the application from starting. */
  get hasAccepted(): boolean {
    return this.#hasAccepted;
  }

  serve(given: string | SecretManagerError, limits?: ReadLimits): Served<unknown> {
    const accepted = this.#accepted;
    if (accepted?.text === given) return accepted;
    const result = typeof given === 'string' ? this.resultOf(given) : undefined;
    if (typeof result === 'object') return result;
    if (accepted !== undefined && this.isServable(accepted, limits)) return accepted;
    throw typeof given === 'string' ? this.malformed(result) : given;
  }

  /** Returns the message of a refused text, or `undefined` if it is accepted. */
  refusalOf(text: string): string | undefined {
    if (text === this.#accepted?.text) return undefined;
    const result = this.resultOf(text);
    return typeof result === 'string' ? result : undefined;
  }

  /** Returns the message of a refused text if no accepted version serves in its place. */
  startProblemOf(text: string): string | undefined {
    const accepted = this.#accepted;
    if (accepted !== undefined && this.isServable(accepted)) return undefined;
    return this.refusalOf(text);
  }

  /** Takes over an outcome of the store. A failure that is no answer changes nothing. */
  follow(outcome: ReadOutcome, cached: CachedReading | undefined): void {
    this.#isAbsent = outcome === undefined;
    if (outcome === undefined || isSecretManagerError(outcome)) {
      if (!keepsAccepted(outcome)) this.forget();
      return;
    }
    const { value: text, validForMs = Infinity } = outcome;
    const known = this.#accepted;
    const result = known?.text === text ? known : this.resultOf(text);
    if (typeof result === 'string') return;
    const { clock } = this.#options;
    this.#accepted = {
      text,
      value: result.value,
      facts: { version: outcome.version, expiresAt: cached?.expiresAt },
      readAt: clock.now() - (cached?.ageMs ?? 0),
      leaseMs: validForMs,
    };
    this.#last = undefined;
    this.#hasAccepted = true;
  }

  /** Drops what was accepted. */
  forget(): void {
    this.#accepted = undefined;
    this.#last = undefined;
  }

  private resultOf(text: string): Result {
    if (this.#last?.text !== text) this.#last = { text, result: this.convert(text) };
    return this.#last.result;
  }

  private convert(text: string): Result {
    const { convert, title, debug } = this.#options;
    const converted = convert(text);
    if (!('problem' in converted)) return { text, value: converted.value };
    if (converted.original !== undefined) debug(converted.original);
    return `${title} ${converted.problem}.`;
  }

  private malformed(message = ''): SecretManagerError {
    return new SecretManagerError('MALFORMED', message, this.#options.context);
  }

  private isServable({ text, readAt, leaseMs }: Accepted, limits: ReadLimits = {}): boolean {
    const { maxAgeMs = Infinity, staleIfErrorMs = Infinity, params, allowEmpty } = limits;
    if (params !== undefined || (text === '' && allowEmpty === false)) return false;
    const { clock, maxStaleMs } = this.#options;
    const ageMs = clock.now() - readAt;
    return ageMs < Math.min(maxStaleMs, leaseMs, maxAgeMs, staleIfErrorMs);
  }
}

/** A denial and an absence are answers of the store; an outage and a malformed version are not. */
function keepsAccepted(outcome: SecretManagerError | undefined): boolean {
  return isTransient(outcome) || hasCode(outcome, 'CANCELLED') || hasCode(outcome, 'MALFORMED');
}
