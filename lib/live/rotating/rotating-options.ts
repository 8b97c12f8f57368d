import type { InjectionToken, OptionalFactoryDependency } from '@nestjs/common';
import { credentialsRejected } from '../../core/errors/credentials-rejected';
import { SecretManagerError } from '../../core/errors/secret-manager.error';
import { kindOf, quoteName } from '../../core/errors/wording';
import { DEFAULT_TIMEOUT_MS } from '../../core/time/durations';
import { fieldsOf, readFields } from '../../core/validation/option-copies';
import {
  aFunction,
  duration,
  listed,
  must,
  optional,
  ruleProblems,
  text,
  type Rules,
} from '../../core/validation/option-rules';
import { configuredNameProblem } from '../../core/validation/secret-name';
import type { Sources } from './sources';

/** The checked options of a rotating resource, with their defaults. */
export interface ReadOptions {
  readonly provide: InjectionToken;
  readonly sources: Sources;
  readonly managerName: string | undefined;
  readonly inject: readonly (InjectionToken | OptionalFactoryDependency)[];
  readonly drainMs: number;
  readonly buildTimeoutMs: number;
  readonly isRejected: (error: unknown) => boolean;
  /** The resource and its secrets, as the subject of a message. */
  readonly title: string;
}

const RULES: Rules = {
  provide: (value) => (value === undefined ? 'is missing: give a token' : undefined),
  secrets: secretsProblem,
  build: aFunction,
  ...optional({
    managerName: text,
    inject: must('be a list of tokens', Array.isArray),
    probe: aFunction,
    dispose: aFunction,
    drainMs: duration(),
    buildTimeoutMs: duration(),
    isRejected: aFunction,
  }),
};

/** Returns the options, each read once. Throws `MISCONFIGURED` with all problems. */
export function readOptions(given: object): ReadOptions {
  const unreadable: string[] = [];
  const fields = readFields(given, fieldsOf(given, '', unreadable), '', unreadable);
  const problems = [...unreadable, ...ruleProblems(fields, RULES)];
  if (problems.length > 0) throw wrongOptions(problems);
  return withDefaults(fields as Partial<ReadOptions> & { readonly secrets: object });
}

function withDefaults({
  provide = '',
  secrets,
  managerName,
  inject = [],
  drainMs = DEFAULT_TIMEOUT_MS,
  buildTimeoutMs = DEFAULT_TIMEOUT_MS,
  isRejected = credentialsRejected,
}: Partial<ReadOptions> & { readonly secrets: object }): ReadOptions {
  const sources = sourcesOf(secrets);
  const names = Object.values(sources).map((one) =>
    typeof one === 'string' ? quoteName(one) : one.name,
  );
  const token = typeof provide === 'function' ? provide.name : String(provide);
  const title = `The rotating resource ${token} of ${names.join(', ')}`;
  return { provide, sources, managerName, inject, drainMs, buildTimeoutMs, isRejected, title };
}

function sourcesOf(secrets: object): Sources {
  if (!Array.isArray(secrets)) return { ...secrets };
  return Object.fromEntries((secrets as string[]).map((name) => [name, name]));
}

function secretsProblem(value: unknown): string | undefined {
  const what = 'must be a list of names, or an object with names and classes by key';
  if (typeof value !== 'object' || value === null) return `${what}, and is ${kindOf(value)}`;
  const unreadable: string[] = [];
  const entries = Object.entries(
    readFields(value, fieldsOf(value, 'secrets', unreadable), 'secrets', unreadable),
  );
  if (unreadable.length > 0) return unreadable.join(', ');
  if (entries.length === 0) return `${what}, and has none`;
  const problems = entries.map(([key, name]) => {
    // a class is checked at start, with its manager
    if (typeof name === 'function' && !Array.isArray(value)) return [];
    const problem = configuredNameProblem(name);
    return problem === undefined ? [] : [`[${key}] ${problem}`];
  });
  return problems.flat().join(', ') || undefined;
}

export function wrongOptions(problems: readonly string[]): SecretManagerError {
  return new SecretManagerError(
    'MISCONFIGURED',
    `rotatingResource() has wrong options:\n${listed(problems)}`,
    {
      manager: 'unknown',
      operation: 'rotatingResource',
    },
  );
}
