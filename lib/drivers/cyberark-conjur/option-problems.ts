import { isRecord, optional, ruleProblems, type Rules } from '../../core/validation/option-rules';
import { secretNameProblem } from '../../core/validation/secret-name';
import { kindOf, quoteName } from '../../core/errors/wording';
import {
  CONNECTION_RULES,
  nonEmptyText,
  readableFile,
  serverUrl,
} from '../http/options/option-rules';
import { tlsProblems } from '../http/tls/tls';
import {
  DEFAULT_JWT_FILE,
  type ConjurAuth,
  type ConjurSecretManagerOptions,
} from './conjur.options';

/** Returns every problem of the options. No problem quotes a secret. Sends no request. */
export function optionProblems(options: Partial<ConjurSecretManagerOptions>): readonly string[] {
  const { tls } = options;
  return [
    ...ruleProblems(options, {
      address: (given, path) =>
        given === undefined
          ? 'is missing: give it, as "https://conjur.example"'
          : serverUrl('https://conjur.example', { ...options, hasPath: true })(given, path),
      account: (given, path) =>
        given === undefined
          ? 'is missing: give the account of your organisation'
          : nonEmptyText(given, path),
      auth: authProblems,
      ...optional({ ...CONNECTION_RULES, tls: tlsRule, policyBranch }),
    }),
    ...(isRecord(tls) ? tlsProblems(tls) : []),
  ];
}

function tlsRule(given: unknown, path: string): string | readonly string[] | undefined {
  if (!isRecord(given)) return `must be an object, and is ${kindOf(given)}`;
  return ruleProblems(given, TLS, `${path}.`);
}

const TLS: Rules = optional({
  ca: nonEmptyText,
  caFile: nonEmptyText,
  cert: nonEmptyText,
  certFile: nonEmptyText,
  key: nonEmptyText,
  keyFile: nonEmptyText,
});

function policyBranch(given: unknown): string | undefined {
  const problem = secretNameProblem(given);
  return problem && `(${quoteName(given)}) ${problem}`;
}

const AUTH: Readonly<Record<ConjurAuth['method'], Rules>> = {
  'api-key': { login: nonEmptyText, apiKey: nonEmptyText },
  jwt: {
    serviceId: nonEmptyText,
    ...optional({ jwt: nonEmptyText, jwtFile: readableFile, login: nonEmptyText }),
  },
  'token-file': { path: readableFile },
};

function authProblems(given: unknown): string | readonly string[] | undefined {
  if (given === undefined) return 'is missing: give it, as { method: "api-key", login, apiKey }';
  if (!isRecord(given)) return `must be an object, and is ${kindOf(given)}`;
  const { method, ...rest } = given;
  if (typeof method !== 'string' || !Object.hasOwn(AUTH, method)) {
    return [`auth.method must be ${Object.keys(AUTH).join(', ')}`];
  }
  const problems = ruleProblems(rest, AUTH[method as ConjurAuth['method']], 'auth.');
  return [...problems, ...(method === 'jwt' ? jwtProblems(rest) : [])];
}

function jwtProblems({ jwt, jwtFile }: Readonly<Record<string, unknown>>): readonly string[] {
  if (jwt !== undefined && jwtFile !== undefined)
    return ['auth has both jwt and jwtFile: give one of them'];
  if (jwt !== undefined || jwtFile !== undefined) return [];
  return ruleProblems({ jwtFile: DEFAULT_JWT_FILE }, { jwtFile: readableFile }, 'auth.');
}
