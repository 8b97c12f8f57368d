import type { ModulesContainer } from '@nestjs/core';
import { SecretManagerError } from '../core/errors/secret-manager.error';
import { kindOf, quoteName } from '../core/errors/wording';
import { copyOption } from '../core/validation/option-copies';
import { listed } from '../core/validation/option-rules';
import { registrationError } from './manager-provider';
import { circleProblem } from './circular-injection';
import { misconfigured } from './misconfigured';
import type { Registration } from './providers';
import { requiredSecret, requiredSecretProblem, type RequiredSecret } from './required-secrets';
import { DEFAULT_MANAGER, registeredHint, registeredNames } from '../secret-manager.tokens';
import type { SecretsClass } from '../typed/secret-value';
import { classProblems } from '../typed/typed-fields';

/** A secret, or a class with `@SecretValue`. */
export type FeatureSecret =
  string | { readonly name: string; readonly allowEmpty?: boolean } | SecretsClass;

/** The arguments of `forFeature`: the named secrets, the classes, and their problems. */
export interface Feature {
  readonly required: readonly RequiredSecret[];
  readonly classes: readonly SecretsClass[];
  readonly problems: Problems;
  readonly managerName: string | undefined;
}

interface Problems {
  /** The kind of a value that is no list. */
  readonly noList?: string;
  readonly ofNames: readonly string[];
  readonly ofClasses: readonly string[];
}

export function readFeature(given: unknown, managerName: string | undefined): Feature {
  const ofNames: string[] = [];
  const list: unknown = typeof given === 'function' ? [given] : copyOption(given, 'names', ofNames);
  if (!Array.isArray(list)) {
    const problems = { noList: kindOf(given), ofNames, ofClasses: [] };
    return { required: [], classes: [], problems, managerName };
  }
  const classes = [...new Set(list.filter((item) => typeof item === 'function'))] as SecretsClass[];
  const names = list.filter((item) => typeof item !== 'function');
  list.forEach((item: unknown, index) => {
    if (typeof item === 'function') return;
    const problem = requiredSecretProblem(item, ['allowEmpty']);
    if (problem !== undefined) ofNames.push(`[${index}] ${problem}${importHint(item)}`);
  });
  const ofClasses = classes.flatMap(classProblems);
  return {
    required: names.map(requiredSecret),
    classes: classes.filter((type) => classProblems(type).length === 0),
    problems: { ofNames, ofClasses },
    managerName,
  };
}

/** Reads the secrets of a feature, and keeps them fresh. Rejects with all problems. */
export async function loadFeature(
  { lifecycle, typed, secrets }: Registration,
  { required, classes, problems }: Feature,
): Promise<void> {
  const problem = toError(problems, secrets.managerName);
  if (problem !== undefined) {
    await lifecycle.closeUnlessStarted();
    throw problem;
  }
  await lifecycle.loadHandles([...required, ...classes.flatMap((type) => typed.requiredBy(type))]);
}

/** Throws `MISCONFIGURED`, which names the managers that are registered. */
export function noManager(
  modules: ModulesContainer,
  { required, classes, problems, managerName }: Feature,
): never {
  if (problems.noList !== undefined) throw notAList(problems.noList);
  const names = [
    ...required.map(({ name }) => quoteName(name)),
    ...classes.map((type) => type.name),
  ].join(', ');
  const which = managerName === undefined ? '' : ` with name: '${managerName}'`;
  const others = registeredNames(modules.values());
  if (others.includes(managerName ?? DEFAULT_MANAGER)) throw registrationError(circleProblem());
  throw misconfigured(
    'forFeature',
    `SecretManagerModule.forFeature() of ${names} found no manager. ` +
      `Import SecretManagerModule.forRoot()${which} in the root module${registeredHint(others)}.`,
  );
}

function toError(
  { noList, ofNames, ofClasses }: Problems,
  manager: string,
): SecretManagerError | undefined {
  if (noList !== undefined) return notAList(noList);
  if (ofNames.length + ofClasses.length === 0) return undefined;
  const context = { manager, operation: 'forFeature' };
  if (ofClasses.length === 0) {
    const message = `The names of forFeature() are not right:\n${listed(ofNames)}`;
    return new SecretManagerError('INVALID_ARGUMENT', message, context);
  }
  const message = `The classes and names of forFeature() are not right:\n${listed([...ofClasses, ...ofNames])}`;
  return new SecretManagerError('MISCONFIGURED', message, context);
}

/** A class of a file that is part of a circular import is undefined while the module is declared. */
function importHint(item: unknown): string {
  if (item !== undefined) return '';
  return '. If it is a class, its file and this one import each other: move the class to a file of its own';
}

function notAList(kind: string): SecretManagerError {
  const message = `SecretManagerModule.forFeature() takes a class or a list of names and classes, not ${kind}.`;
  return misconfigured('forFeature', message);
}
