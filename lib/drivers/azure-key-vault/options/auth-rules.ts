import { variableOf, variablesOf } from '../../../core/validation/given-options';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { kindOf } from '../../../core/errors/wording';
import { isLoopback } from '../../../core/validation/loopback';
import { isRecord, optional, ruleProblems, type Rule } from '../../../core/validation/option-rules';
import { textOfFile } from '../../../files/text-file';
import {
  headerValue,
  nonEmptyText,
  readableFile,
  serverUrl,
} from '../../http/options/option-rules';
import {
  isCredential,
  type AzureAuth,
  type AzureAuthMethod,
  type Environment,
} from './azure.options';

/** The login by a certificate. */
export type CertificateAuth = Extract<AzureAuth, { readonly method: 'certificate' }>;

/** A GUID, or a domain of the tenant. */
const TENANT = /^[0-9A-Za-z](?:[0-9A-Za-z.-]*[0-9A-Za-z])?$/;

const tenant: Rule = (given, path) =>
  nonEmptyText(given, path) ??
  (TENANT.test(String(given))
    ? undefined
    : 'must be the id or a domain of the tenant, as "contoso.onmicrosoft.com"');

const METHOD = { method: (): undefined => undefined };
const IDS = { tenantId: tenant, clientId: headerValue };
const PEM = optional({
  certificate: nonEmptyText,
  certificateFile: readableFile,
  privateKey: nonEmptyText,
  privateKeyFile: readableFile,
});

const RULES: Readonly<Record<AzureAuthMethod, Readonly<Record<string, Rule>>>> = {
  'client-secret': { ...METHOD, ...IDS, clientSecret: nonEmptyText },
  certificate: { ...METHOD, ...IDS, ...PEM },
  'workload-identity': { ...METHOD, ...IDS, tokenFile: readableFile },
  'managed-identity': {
    ...METHOD,
    ...optional({ clientId: headerValue, endpoint: metadataUrl }),
  },
};

/** Returns every problem of a login as a sentence that quotes no secret. */
export function authProblems(given: unknown, environment: Environment): readonly string[] {
  if (given === undefined) return [`auth is missing: give it ${CHOICES}`];
  if (!isRecord(given)) return [`auth must be an object, and is ${kindOf(given)}`];
  if (isCredential(given as AzureAuth)) return [];
  const { method } = given;
  if (!isMethod(method)) return [`auth.method must be one of ${CHOICES}`];
  const auth = method === 'workload-identity' ? withDefaults(given, environment) : given;
  const problems = ruleProblems(auth, RULES[method], 'auth.');
  if (method === 'managed-identity' && given.endpoint === undefined) {
    return [...problems, ...appServiceProblems(environment)];
  }
  if (method !== 'certificate') return problems;
  return [...problems, ...certificateProblems(auth as CertificateAuth, environment, problems)];
}

const CHOICES = `${Object.keys(RULES).join(', ')}, or an object with getToken(scope)`;

function isMethod(method: unknown): method is AzureAuthMethod {
  return typeof method === 'string' && Object.hasOwn(RULES, method);
}

/** Returns a workload identity with the variables of Microsoft's webhook for what is missing. */
export function withDefaults(
  { tenantId, clientId, tokenFile, ...others }: Readonly<Record<string, unknown>>,
  environment: Environment,
): { readonly tenantId?: unknown; readonly clientId?: unknown; readonly tokenFile?: unknown } {
  const variable = variablesOf(environment);
  return {
    ...others,
    tenantId: tenantId ?? variable('AZURE_TENANT_ID'),
    clientId: clientId ?? variable('AZURE_CLIENT_ID'),
    tokenFile: tokenFile ?? variable('AZURE_FEDERATED_TOKEN_FILE'),
  };
}

/** @param others the problems of the single options. With them, the pair is not checked. */
function certificateProblems(
  auth: CertificateAuth,
  environment: Environment,
  others: readonly string[],
): readonly string[] {
  const { certificate, certificateFile, privateKey, privateKeyFile } = auth;
  const problems = [
    ...onlyOne({ certificate, certificateFile }),
    ...onlyOne({ privateKey, privateKeyFile }),
  ];
  if (problems.length > 0 || others.length > 0) return problems;
  if (isKeyPair(auth)) return [];
  const isEncrypted = variableOf(environment, 'AZURE_CLIENT_CERTIFICATE_PASSWORD') !== undefined;
  return [
    'auth has a certificate or a private key that cannot be used: is each of them PEM, the key RSA and without a ' +
      `password, and does it belong to the certificate?${isEncrypted ? PASSWORD : ''}`,
  ];
}

const PASSWORD = ' AZURE_CLIENT_CERTIFICATE_PASSWORD is set, and cannot be used';

function onlyOne(pair: object): readonly string[] {
  const given = Object.values(pair).filter((value) => value !== undefined);
  return given.length === 1 ? [] : [`auth needs one of ${Object.keys(pair).join(' and ')}`];
}

/** Returns the certificate and the key as PEM. A file that cannot be read counts as empty. */
export function pemOf({
  certificate,
  certificateFile,
  privateKey,
  privateKeyFile,
}: CertificateAuth): {
  readonly certificate: string;
  readonly privateKey: string;
} {
  const text = (given: string | undefined, file: string | undefined): string =>
    given ?? textOfFile(file ?? '') ?? '';
  return {
    certificate: text(certificate, certificateFile),
    privateKey: text(privateKey, privateKeyFile),
  };
}

function isKeyPair(auth: CertificateAuth): boolean {
  try {
    const { certificate, privateKey } = pemOf(auth);
    const key = createPrivateKey(privateKey);
    return key.asymmetricKeyType === 'rsa' && new X509Certificate(certificate).checkPrivateKey(key);
  } catch {
    return false;
  }
}

/** The metadata services of machines and apps speak plain http on addresses that no router passes on. */
const LINK_LOCAL = /^169\.254\.\d+\.\d+$/;

function metadataUrl(given: unknown, path: string): ReturnType<Rule> {
  const isLocal = typeof given === 'string' && URL.canParse(given) && isNear(new URL(given));
  const options = { allowInsecureHttp: isLocal, hasPath: true };
  return serverUrl('http://169.254.169.254', options)(given, path);
}

function isNear({ hostname }: URL): boolean {
  return isLoopback(hostname) || LINK_LOCAL.test(hostname);
}

function appServiceProblems(environment: Environment): readonly string[] {
  const variable = variablesOf(environment);
  const [endpoint, header] = [variable('IDENTITY_ENDPOINT'), variable('IDENTITY_HEADER')];
  if (endpoint === undefined || header === undefined) return [];
  return ruleProblems(
    { IDENTITY_ENDPOINT: endpoint, IDENTITY_HEADER: header },
    { IDENTITY_ENDPOINT: metadataUrl, IDENTITY_HEADER: headerValue },
    'the variable ',
  );
}
