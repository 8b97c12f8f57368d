import { createHmac, randomBytes } from 'node:crypto';
import type {
  SecretChange,
  SecretChangeListener,
  SecretChangeSource,
} from '../../core/contract/secret-change';
import {
  SecretManagerError,
  isSecretManagerError,
  type OperationContext,
} from '../../core/errors/secret-manager.error';
import { kindOf } from '../../core/errors/wording';
import { invalidArgument } from '../../core/validation/call-arguments';
import type { CacheObserver } from '../../policies/cache/secret-cache';
import type { SecretPipeline } from '../../policies/compose';
import { asOutcome, type ReadOutcome } from '../../policies/policy';
import type { Lookup, SecretLookup } from '../reading/secret-lookup';
import type { SecretView, Served } from '../reading/secret-view';
import { Subscriptions } from './subscriptions';

/** A secret that somebody listens to. */
interface WatchedSecret {
  readonly lookup: Lookup;
  /** The typed form, if somebody listens to that. */
  readonly view: SecretView<unknown> | undefined;
  readonly subscriptions: Subscriptions;
  /** The last value that the handle would have served. */
  last: KnownValue | undefined;
  /** `true` if the secret was absent since the last value. */
  wasAbsent: boolean;
}

interface KnownValue {
  /** A keyed digest, so that the value outlives neither the cache nor its lease. */
  readonly digest: string;
  readonly version: string | undefined;
}

/**
 * Finds the changes of the secrets that somebody listens to, from what their handles would serve. The
 * environment counts where it answers in place of the manager.
 *
 * A watched secret is pinned in the cache, so that a change is found without traffic. Nothing is done while
 * nobody listens.
 */
export class SecretChanges implements CacheObserver {
  readonly #pipeline: SecretPipeline;
  readonly #lookup: SecretLookup;
  readonly #warn: (message: string) => void;
  readonly #watched = new Map<unknown, WatchedSecret>();
  #stopObserving = (): void => undefined;
  readonly #digestKey = randomBytes(32);

  constructor(pipeline: SecretPipeline, lookup: SecretLookup, warn: (message: string) => void) {
    this.#pipeline = pipeline;
    this.#lookup = lookup;
    this.#warn = warn;
    if (!pipeline.hasCache) pipeline.whenReported((secretName) => this.readReported(secretName));
  }

  /** Calls the listener for each change from now on. Returns a function that unsubscribes. */
  subscribe(
    lookup: Lookup,
    listener: SecretChangeListener,
    view?: SecretView<unknown>,
  ): () => void {
    const context = { ...lookup.context, operation: 'onChange' };
    assertIsListener(listener, context);
    if (!this.#pipeline.hasCache && !this.#pipeline.isPushed) throw noCache(context);
    if (this.#pipeline.isClosed()) return () => undefined;
    const key = view ?? keyOf(lookup);
    const secret = this.#watched.get(key) ?? this.watch(key, lookup, view);
    const subscription = secret.subscriptions.add(listener);
    return () => {
      secret.subscriptions.delete(subscription);
      const isCurrent = this.#watched.get(key) === secret;
      if (isCurrent && secret.subscriptions.isEmpty) this.unwatch(key, lookup);
    };
  }

  onOutcome(
    secretName: string | undefined,
    outcomeOf: (secretName: string) => ReadOutcome,
    source: SecretChangeSource,
  ): void {
    const concerned = [...this.#watched.values()].filter(
      ({ lookup }) => secretName === undefined || secretName === lookup.name,
    );
    // all take the outcome over first: a listener may read, and a newer outcome must not be overtaken
    for (const secret of concerned) this.apply(secret, outcomeOf(secret.lookup.name), source);
    for (const { subscriptions } of concerned) subscriptions.deliver();
  }

  /** Reads the reported secrets that somebody listens to, because no cache does. */
  private readReported(secretName: string | undefined): void {
    const names = Array.from(this.#watched.values(), ({ lookup }) => lookup.name);
    const isReported = (name: string): boolean => secretName === undefined || secretName === name;
    for (const name of new Set(names.filter(isReported))) void this.read(name);
  }

  private async read(secretName: string): Promise<void> {
    const reading = this.#pipeline.outermost.readSecret(secretName, { maxAgeMs: 0 });
    const outcome = await reading.catch(asOutcome);
    this.onOutcome(secretName, () => outcome, 'watch');
  }

  private watch(
    key: unknown,
    lookup: Lookup,
    view: SecretView<unknown> | undefined,
  ): WatchedSecret {
    const { name } = lookup;
    const { cache } = this.#pipeline;
    const subscriptions = new Subscriptions(lookup.context, this.#warn);
    const secret: WatchedSecret = {
      lookup,
      view,
      subscriptions,
      last: undefined,
      wasAbsent: false,
    };
    const cached = lookup.isHosted ? cache.cached(name) : undefined;
    if (cached !== undefined || !lookup.isHosted) {
      const { value, version } = cached ?? {};
      this.update(secret, value === undefined ? undefined : { value, version });
    }
    if (this.#watched.size === 0) this.#stopObserving = cache.observe(this);
    this.#watched.set(key, secret);
    if (lookup.isHosted) cache.pin(name);
    if (!this.#pipeline.hasCache && lookup.isHosted) void this.read(name); // the baseline
    return secret;
  }

  private unwatch(key: unknown, { name, isHosted }: Lookup): void {
    this.#watched.delete(key);
    if (isHosted) this.#pipeline.cache.unpin(name);
    if (this.#watched.size === 0) this.#stopObserving();
  }

  private apply(secret: WatchedSecret, outcome: ReadOutcome, source: SecretChangeSource): void {
    const { name, context } = secret.lookup;
    if (isSecretManagerError(outcome) && this.#pipeline.cache.peek(name) !== undefined) return;
    const change = this.update(secret, outcome);
    if (change === undefined) return;
    const { manager } = context;
    secret.subscriptions.queue({ name, manager, ...change, at: new Date(), source });
  }

  /** Takes an outcome over, and returns its versions if the served value has changed. */
  private update(
    secret: WatchedSecret,
    outcome: ReadOutcome,
  ): Pick<SecretChange, 'version' | 'previousVersion'> | undefined {
    const { lookup, view, last, wasAbsent } = secret;
    const text = this.#lookup.servedAfter(lookup, outcome);
    const served = text === undefined ? undefined : servedFor(text, view);
    if (served === undefined) {
      secret.wasAbsent ||= outcome === undefined;
      return undefined;
    }
    const digest = createHmac('sha256', this.#digestKey).update(served.text).digest('base64');
    const isOfStore = outcome !== undefined && !isSecretManagerError(outcome);
    const version = served.text === text && isOfStore ? outcome.version : served.facts?.version;
    secret.last = { digest, version };
    secret.wasAbsent = false;
    const isChange = last === undefined ? wasAbsent : last.digest !== digest;
    if (!isChange) return undefined;
    const previousVersion = wasAbsent ? undefined : last?.version;
    return {
      ...(version !== undefined && { version }),
      ...(previousVersion !== undefined && { previousVersion }),
    };
  }
}

/** Returns what a handle serves for a text, which is the last accepted version for a refused one. */
function servedFor(
  text: string,
  view: SecretView<unknown> | undefined,
): Omit<Served<unknown>, 'value'> | undefined {
  if (view === undefined) return { text };
  try {
    return view.serve(text);
  } catch {
    return undefined; // nothing is served
  }
}

/** Returns a key by name, and by whether an empty value counts. */
function keyOf({ name, allowEmpty }: Lookup): string {
  return JSON.stringify([name, allowEmpty]);
}

function assertIsListener(listener: unknown, context: OperationContext): void {
  if (typeof listener === 'function') return;
  throw invalidArgument(`onChange() takes a function, and not ${kindOf(listener)}.`, context);
}

function noCache(context: OperationContext): SecretManagerError {
  const message =
    'onChange() needs the cache, which finds the changes, or a manager with watchSecrets(). Leave `cache` on, or read the ' +
    'secret when it is used.';
  return new SecretManagerError('MISCONFIGURED', message, context);
}
