import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { read } from '../../../core/errors/safe-access';
import type { HttpAnswer, HttpRequest, HttpSteps } from '../../http/wire/http-request';
import type { TokenGrant } from '../../http/login/token-session';
import type { MetadataCredential } from '../credentials/credential';
import { PROJECT_ID } from '../credentials/google-auth';
import { grantOf, isOfMetadataServer, loginError } from '../errors/login-errors';

/** The server repeats its token until four to five minutes before the end. A renewal before that is in vain. */
export const METADATA_RENEWAL_MS = 225_000;

const LOGIN = 'metadata server';

/** Requests a token of the service account of this machine or pod. */
export function* metadataToken(credential: MetadataCredential): HttpSteps<TokenGrant> {
  const answer = yield* ask(credential, 'instance/service-accounts/default/token');
  return grantOf(answer, LOGIN);
}

/** Requests the project of this machine or pod. */
export function* metadataProject(credential: MetadataCredential): HttpSteps<string> {
  const answer = yield* ask(credential, 'project/project-id');
  const projectId = answer.body.toString('utf8').trim();
  if (answer.statusCode === 200 && PROJECT_ID.test(projectId)) return projectId;
  throw loginError(answer, LOGIN);
}

function* ask(credential: MetadataCredential, path: string): HttpSteps<HttpAnswer> {
  const request: HttpRequest = {
    method: 'GET',
    url: `${metadataOrigin(credential.host)}/computeMetadata/v1/${path}`,
    headers: { 'metadata-flavor': 'Google' },
  };
  let answer: HttpAnswer;
  try {
    answer = yield request;
  } catch (error) {
    throw credential.isGuess && isUnknownHost(error) ? noCredentials() : error;
  }
  if (answer.statusCode === 200 && !isOfMetadataServer(answer)) throw notTheServer(credential);
  return answer;
}

/** Returns the origin of a host, as `metadata.google.internal` or `127.0.0.1:8080`. */
export function metadataOrigin(host: string): string {
  return (/^https?:\/\//.test(host) ? host : `http://${host}`).replace(/\/+$/, '');
}

/** Returns whether the name of the server is unknown, as outside of Google Cloud. */
function isUnknownHost(error: unknown): boolean {
  const codes = [read(error, 'code'), read(read(error, 'cause'), 'code')];
  return codes.includes('ENOTFOUND');
}

function noCredentials(): SecretManagerError {
  return new SecretManagerError(
    'UNAUTHENTICATED',
    'No credentials of Google were found. Set GOOGLE_APPLICATION_CREDENTIALS, run `gcloud auth application-default login`, ' +
      'give `auth`, or run on a machine of Google Cloud with a service account.',
  );
}

function notTheServer({ host }: MetadataCredential): SecretManagerError {
  return new SecretManagerError(
    'MISCONFIGURED',
    `What answers at ${host} is not the metadata server of Google. Check the host, GCE_METADATA_HOST and the proxy.`,
  );
}
