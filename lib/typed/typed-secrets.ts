import { LiveSecret, type Secret } from '../core/contract/secret';
import { SecretManagerError, hasCode } from '../core/errors/secret-manager.error';
import { quoteName } from '../core/errors/wording';
import { AgeClock } from '../core/time/clock';
import type { SecretPipeline } from '../policies/compose';
import type { RequiredSecret } from '../secret-manager.options';
import type { SecretHandles } from '../service/secret-handles';
import type { Lookup, SecretLookup } from '../service/reading/secret-lookup';
import { AcceptedValue } from './accepted-value';
import { fieldConversion } from './conversions/field-conversion';
import { FollowedSecrets, type FollowedSecretsOptions } from './followed-secrets';
import { ignoreRejection } from './promises';
import type { SecretsClass } from './secret-value';
import { toInstance } from './secrets-instance';
import { classProblems, fieldsOf, type TypedField } from './typed-fields';

export interface TypedSecretsOptions extends FollowedSecretsOptions {
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

interface LiveClass {
  readonly instance: object;
  readonly fields: ReadonlyMap<string, LiveField>;
  /** The names of the secrets by field. */
  readonly names: ReadonlyMap<string, string>;
}

/** The instances of the classes with `@SecretValue` over one manager. Each class has one instance. */
export class TypedSecrets {
  readonly #pipeline: SecretPipeline;
  readonly #lookup: SecretLookup;
  readonly #handles: SecretHandles;
  readonly #options: TypedSecretsOptions;
  readonly #clock = new AgeClock();
  readonly #classes = new Map<SecretsClass, LiveClass>();
  readonly #followed: FollowedSecrets;

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
    this.#followed = new FollowedSecrets(pipeline, options);
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
    return this.#followed.rejected(secretName);
  }

  private get managerName(): string {
    return this.#pipeline.outermost.secretManagerName;
  }

  private liveClass(type: SecretsClass): LiveClass {
    const known = this.#classes.get(type);
    if (known !== undefined) return known;
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
    const handle = this.#handles.typed(name, lookup, accepted);
    if (lookup.isHosted) this.#followed.follow(lookup.name, accepted);
    return { name, owner, options, lookup, accepted, handle };
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
