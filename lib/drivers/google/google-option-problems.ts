import { variableOf } from '../../core/validation/given-options';
import { isSecretManagerError } from '../../core/errors/secret-manager.error';
import { kindOf } from '../../core/errors/wording';
import {
  isRecord,
  oneOf,
  optional,
  ruleProblems,
  type Rule,
  type Rules,
} from '../../core/validation/option-rules';
import {
  CONNECTION_RULES,
  headerValue,
  nonEmptyText,
  serverUrl,
} from '../http/options/option-rules';
import { CredentialSource } from './credentials/credential-source';
import {
  isTokenSource,
  METADATA_HOST,
  PROJECT_ID,
  type GoogleAuth,
  type GoogleEnvironment,
} from './credentials/google-auth';
import { NO_PROJECT, type GoogleConnectionOptions } from './google-connection';

/** Returns the rules of the options that every service of Google shares. */
export function googleRules(
  { allowInsecureHttp }: GoogleConnectionOptions,
  endpointExample: string,
): Rules<keyof GoogleConnectionOptions> {
  return {
    ...CONNECTION_RULES,
    projectId: matching(PROJECT_ID, 'is no ID of a project, as "payments-prod"'),
    auth: (given) => authProblems(given, allowInsecureHttp),
    endpoint: serverUrl(endpointExample, { allowInsecureHttp }),
    quotaProjectId: headerValue,
  };
}

/** Returns the rule of a text that fits a pattern. */
export function matching(pattern: RegExp, problem: string): Rule {
  return (given, path) =>
    nonEmptyText(given, path) ?? (pattern.test(String(given)) ? undefined : problem);
}

/** Returns the problems of the credential that the options lead to, and of a project that nothing names. */
export function credentialProblems(
  { auth, projectId }: GoogleConnectionOptions,
  environment: GoogleEnvironment,
): readonly string[] {
  if (auth !== undefined && authProblems(auth).length > 0) return []; // reported by the rules
  try {
    const credential = new CredentialSource(auth, environment).read();
    if ((projectId ?? variableOf(environment, 'GOOGLE_CLOUD_PROJECT')) !== undefined) return [];
    const hasProject = 'universe' in credential && credential.projectId !== undefined;
    return hasProject || credential.type === 'metadata' ? [] : [NO_PROJECT];
  } catch (error) {
    return [isSecretManagerError(error) ? error.message : 'auth cannot be used'];
  }
}

function authProblems(auth: unknown, allowInsecureHttp?: boolean): readonly string[] {
  if (!isRecord(auth)) return [`auth must be an object, and is ${kindOf(auth)}`];
  if (isTokenSource(auth)) return [];
  const rules = rulesOfMethod(auth, allowInsecureHttp);
  return ruleProblems(auth, { ...rules, method: oneOf(METHODS) }, 'auth.');
}

const METHODS: readonly (GoogleAuth & { readonly method: string })['method'][] = [
  'metadata',
  'service-account',
  'file',
];

function rulesOfMethod(
  auth: Readonly<Record<string, unknown>>,
  allowInsecureHttp?: boolean,
): Rules {
  switch (auth.method) {
    case 'metadata':
      return optional({ host: matching(METADATA_HOST, 'must be a host, or a host with its port') });
    case 'service-account':
      return keyRules(auth);
    case 'file':
      return {
        path: nonEmptyText,
        ...optional({
          tokenUrl: serverUrl('https://sts.googleapis.com/v1/token', {
            allowInsecureHttp,
            hasPath: true,
          }),
        }),
      };
    default: // the rule of the method reports it
      return Object.fromEntries(Object.keys(auth).map((field) => [field, () => undefined]));
  }
}

function keyRules({ key, keyFile }: Readonly<Record<string, unknown>>): Rules {
  if (key !== undefined && keyFile !== undefined) {
    return {
      key: () => ['auth has both key and keyFile: give one of them'],
      keyFile: () => undefined,
    };
  }
  if (key !== undefined) {
    return { key: (given, path) => (isRecord(given) ? undefined : nonEmptyText(given, path)) };
  }
  return { keyFile: nonEmptyText, key: () => undefined };
}
