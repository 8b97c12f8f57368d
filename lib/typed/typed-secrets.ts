import type { SecretReading } from '../core/contract/custom-secret-manager';
import { LiveSecret, type Secret } from '../core/contract/secret';
import {
  SecretManagerError,
  hasCode,
  isSecretManagerError,
} from '../core/errors/secret-manager.error';
import { quoteName } from '../core/errors/wording';
import { AgeClock } from '../core/time/clock';
import type { CacheObserver, CachedReading } from '../policies/cache/secret-cache';
import type { SecretPipeline } from '../policies/compose';
import type { RequiredSecret } from '../secret-manager.options';
import type { SecretHandles } from '../service/secret-handles';
import type { Lookup, SecretLookup } from '../service/secret-lookup';
import { AcceptedValue } from './accepted-value';
import { fieldConversion } from './field-conversion';
import { ignoreRejection } from './promises';
import type { SecretsClass } from './secret-value';
import { toInstance } from './secrets-instance';
import { classProblems, fieldsOf, type TypedField } from './typed-fields';

export interface TypedSecretsOptions {
  /** The secret that holds all others, if there is one. */
  readonly primarySecretName?: string;
  readonly warn: (message: string) => void;
  readonly debug?: (original: unknown, operation: string) => unknown;
}

interface LiveField {
  /** The name as declared. */
  readonly name: string;
  readonly owner: string;
  readonly options: TypedField['options'];
  readonly lookup: Lookup;
  readonly accepted: AcceptedValue;
  readonly handle: Secret<unknown>;
}

/** One secret, and the fields of all classes that hold it. */
interface FollowedSecret {
  readonly fields: LiveField[];
  /** The last text that a field refused. */
  refused: string | undefined;
  /** The number of versions that a field has refused, once one was accepted. */
  rejected: number;
}

interface LiveClass {
  readonly instance: object;
  readonly fields: ReadonlyMap<string, LiveField>;
  /** The names of the secrets by field. */
  readonly names: ReadonlyMap<string, string>;
}

/** The instances of the classes with `@SecretValue` over one manager. Each class has one instance. */
export class TypedSecrets implements CacheObserver {
  readonly #pipeline: SecretPipeline;
  readonly #lookup: SecretLookup;
  readonly #handles: SecretHandles;
  readonly #options: TypedSecretsOptions;
  readonly #clock = new AgeClock();
  readonly #classes = new Map<SecretsClass, LiveClass>();
  readonly #followed = new Map<string, FollowedSecret>();

  constructor(
    pipeline: SecretPipeline,
    lookup: SecretLookup,
    handles: SecretHandles,
    options: TypedSecretsOptions,
  ) {
    this.#pipeline = pipeline;
    this.#lookup = lookup;
    this.#handles = handles;
    this.#options = options;
    pipeline.onForget((secretName) => this.forget(secretName));
  }

  /** Returns the instance of a valid class. */
  instanceOf(type: SecretsClass): object {
    return this.liveClass(type).instance;
  }

  /** Returns every problem of a class as a sentence. */
  problemsOf(type: unknown): readonly string[] {
    return classProblems(type);
  }

  /** Returns the names of the fields of a valid class. */
  fieldsOf(type: SecretsClass): readonly string[] {
    return [...this.liveClass(type).fields.keys()];
  }

  /** Returns an instance of a valid class whose fields reveal the given values. They follow changes as ever. */
  snapshotOf(type: SecretsClass, valueOf: (field: string) => unknown): object {
    const { fields, names } = this.liveClass(type);
    return toInstance(type, names, (field) => {
      const value = valueOf(field);
      const handle = fields.get(field)?.handle;
      return value === undefined || handle === undefined ? undefined : revealing(value, handle);
    });
  }

  /** Returns the handle of a field. Throws `MISCONFIGURED` for a class or a field that is not right. */
  handleOf(type: SecretsClass, field: string): Secret<unknown> {
    const [problem] = classProblems(type);
    const found = problem === undefined ? this.liveClass(type).fields.get(field) : undefined;
    if (found !== undefined) return found.handle;
    throw new SecretManagerError(
      'MISCONFIGURED',
      `${problem ?? `${type.name} has no field ${quoteName(field)} with @SecretValue`}.`,
      { manager: this.managerName, operation: 'onChange' },
    );
  }

  /** Returns the secrets of a valid class, to be read before the application starts. */
  requiredBy(type: SecretsClass): readonly RequiredSecret[] {
    return Array.from(
      this.liveClass(type).fields.values(),
      ({ name, owner, options, accepted }) => ({
        name,
        optional: options.optional ?? false,
        allowEmpty: true,
        owner,
        refusalOf: (text: string) => accepted.startProblemOf(text),
      }),
    );
  }

  /** Returns the number of versions that the fields of a secret, or of all, have refused. */
  rejected(secretName?: string): number {
    const isOfAll = secretName === undefined || secretName === this.#options.primarySecretName;
    if (!isOfAll) return this.#followed.get(secretName)?.rejected ?? 0;
    return [...this.#followed.values()].reduce((sum, { rejected }) => sum + rejected, 0);
  }

  onOutcome(
    secretName: string | undefined,
    outcomeOf: (secretName: string) => SecretReading | SecretManagerError | undefined,
  ): void {
    const names = secretName === undefined ? [...this.#followed.keys()] : [secretName];
    for (const name of names) {
      const followed = this.#followed.get(name);
      if (followed !== undefined) this.apply(name, followed, outcomeOf(name));
    }
  }

  private get managerName(): string {
    return this.#pipeline.outermost.secretManagerName;
  }

  private forget(secretName: string | undefined): void {
    for (const [name, { fields }] of this.#followed) {
      if (secretName !== undefined && secretName !== name) continue;
      for (const { accepted } of fields) accepted.forget();
    }
  }

  private apply(
    name: string,
    followed: FollowedSecret,
    outcome: SecretReading | SecretManagerError | undefined,
  ): void {
    const cached = this.#pipeline.cache.cached(name);
    for (const { accepted } of followed.fields) accepted.follow(outcome, cached);
    if (outcome === undefined || isSecretManagerError(outcome)) return;
    const { value: text } = outcome;
    const problems = followed.fields.flatMap(({ accepted }) =>
      accepted.hasAccepted ? (accepted.refusalOf(text) ?? []) : [],
    );
    if (problems.length === 0) followed.refused = undefined;
    if (problems.length === 0 || text === followed.refused) return;
    followed.refused = text;
    followed.rejected += 1;
    this.#options.warn(
      `${this.managerName}: a new version is refused, and the last accepted one serves on. ${problems.join(' ')}`,
    );
  }

  private liveClass(type: SecretsClass): LiveClass {
    const known = this.#classes.get(type);
    if (known !== undefined) return known;
    if (this.#classes.size === 0) this.#pipeline.cache.observe(this);
    const fields = new Map(
      fieldsOf(type).map((field) => [field.field, this.liveField(type, field)]),
    );
    const names = new Map(Array.from(fields, ([field, { lookup }]) => [field, lookup.name]));
    const instance = toInstance(type, names, (field) => this.present(fields.get(field)));
    const made = { instance, fields, names };
    this.#classes.set(type, made);
    return made;
  }

  private liveField(type: SecretsClass, { field, name, options }: TypedField): LiveField {
    const lookup = this.#lookup.parse('reveal', name, { allowEmpty: true });
    const owner = `${type.name}.${field}`;
    const accepted = new AcceptedValue({
      convert: fieldConversion(type, field, options),
      title: `${owner}: the secret ${quoteName(lookup.name)}`,
      context: lookup.context,
      clock: this.#clock,
      maxStaleMs: this.#pipeline.cache.maxStaleMs,
      debug: (original) => this.debug(original),
    });
    const live = {
      name,
      owner,
      options,
      lookup,
      accepted,
      handle: this.#handles.typed(name, lookup, accepted),
    };
    this.follow(live);
    return live;
  }

  private follow(live: LiveField): void {
    const { name, isHosted } = live.lookup;
    if (!isHosted) return;
    const followed = this.#followed.get(name) ?? { fields: [], refused: undefined, rejected: 0 };
    this.#followed.set(name, followed);
    followed.fields.push(live);
    const cached = this.#pipeline.cache.cached(name);
    if (cached?.isServed) live.accepted.follow(toReading(cached), cached);
  }

  /** Returns the handle, or `undefined` for an optional secret that is absent at this moment. */
  private present(field: LiveField | undefined): Secret<unknown> | undefined {
    if (field?.options.optional && this.isAbsent(field)) return undefined;
    return field?.handle;
  }

  private isAbsent({ lookup, accepted }: LiveField): boolean {
    const cached = lookup.isHosted ? this.#pipeline.cache.cached(lookup.name) : undefined;
    if (cached?.isServed && cached.value !== undefined) return false;
    if (!lookup.isHosted || cached?.isServed) return this.#lookup.isAbsent(lookup);
    try {
      return this.#lookup.findSync(lookup) === undefined;
    } catch (error) {
      // without a synchronous read, what is known counts. A failure is no absence: the handle throws it
      return hasCode(error, 'UNSUPPORTED') && accepted.isAbsent && this.#lookup.isAbsent(lookup);
    }
  }

  private debug(original: unknown): void {
    try {
      ignoreRejection(this.#options.debug?.(original, 'validate'));
    } catch {
      // the hook of the team must not change what is served
    }
  }
}

/** Returns the handle with a constant `reveal`. */
function revealing(value: unknown, handle: Secret<unknown>): Secret<unknown> {
  return new LiveSecret(handle.name, {
    reveal: () => value,
    get: (options) => handle.get(options),
    served: () => handle,
    onChange: (listener) => handle.onChange(listener),
    use: (work, options) => handle.use(work, options),
  });
}

function toReading({ value, version, expiresAt, ageMs }: CachedReading): SecretReading | undefined {
  if (value === undefined) return undefined;
  const validForMs = expiresAt && ageMs + expiresAt.getTime() - Date.now();
  return { value, version, validForMs };
}
