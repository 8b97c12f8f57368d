import type { Secret } from '../../core/contract/secret';
import type { SecretsService } from '../../service/secrets.service';
import type { SecretsClass } from '../../typed/secret-value';
import type { TypedSecrets } from '../../typed/typed-secrets';

/** The names of secrets, or classes with `@SecretValue`, by key. */
export type Sources = Readonly<Record<string, string | SecretsClass>>;

/** One secret of a resource: a named one, or a field of a class. */
export interface Part {
  readonly handle: Secret<unknown>;
  /** Returns `false` for an optional field whose secret is absent at this moment. */
  readonly isPresent: () => boolean;
}

/** The values of some secrets at one moment, by the identifier of their part. */
export type Values = ReadonlyMap<string, unknown>;

/** The services of a registration that a resource reads from. */
export interface SourceServices {
  readonly secrets: SecretsService;
  readonly typed: TypedSecrets;
}

export function classesOf(sources: Sources): readonly SecretsClass[] {
  return Object.values(sources).filter((source) => typeof source !== 'string');
}

/** Returns the secrets of all sources, by an identifier. */
export function partsOf(
  { secrets, typed }: SourceServices,
  sources: Sources,
): ReadonlyMap<string, Part> {
  const parts = Object.entries(sources).flatMap(([key, source]): [string, Part][] => {
    if (typeof source === 'string') {
      return [[partId(key), { handle: secrets.secret(source), isPresent: () => true }]];
    }
    const instance = typed.instanceOf(source);
    return typed.fieldsOf(source).map((field) => {
      const isPresent = (): boolean => Reflect.get(instance, field) !== undefined;
      return [partId(key, field), { handle: typed.handleOf(source, field), isPresent }];
    });
  });
  return new Map(parts);
}

/** Returns what `build` gets: the text of a name, and for a class an instance with the values of this moment. */
export function givenBy(
  { typed }: SourceServices,
  sources: Sources,
  values: Values,
): Readonly<Record<string, unknown>> {
  const given = Object.entries(sources).map(([key, source]) => [
    key,
    typeof source === 'string'
      ? values.get(partId(key))
      : typed.snapshotOf(source, (field) => values.get(partId(key, field))),
  ]);
  return Object.fromEntries(given) as Readonly<Record<string, unknown>>;
}

function partId(key: string, field?: string): string {
  return JSON.stringify([key, field]);
}
