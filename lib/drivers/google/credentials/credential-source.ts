import { variableOf } from '../../../core/validation/given-options';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isSecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import { textOfFile } from '../../../files/text-file';
import type { Credential, FileCredential } from './credential';
import { parseJson, unusable } from './credential-json';
import {
  isTokenSource,
  METADATA_HOST,
  type GoogleAuth,
  type GoogleEnvironment,
} from './google-auth';
import { parseCredential } from './parse-credential';

export const DEFAULT_METADATA_HOST = 'metadata.google.internal';

const WELL_KNOWN_FILE = 'application_default_credentials.json';

/**
 * The credential of a manager. Without `auth` it is the first of Application Default Credentials: the file of
 * `GOOGLE_APPLICATION_CREDENTIALS`, the file of gcloud, the metadata server.
 */
export class CredentialSource {
  readonly #auth: GoogleAuth | undefined;
  readonly #environment: GoogleEnvironment;
  #usable: { readonly path: string; readonly credential: FileCredential } | undefined;

  constructor(auth: GoogleAuth | undefined, environment: GoogleEnvironment) {
    this.#auth = auth;
    this.#environment = environment;
  }

  /**
   * Returns the credential, read again from its file. Throws `MISCONFIGURED` for an unusable one. The last usable one
   * stays in use while its file is missing or half-written.
   */
  read(): Credential {
    const auth = this.#auth;
    if (auth === undefined) return this.defaultCredential();
    if (isTokenSource(auth)) return { type: 'token source', source: auth };
    switch (auth.method) {
      case 'metadata':
        return { type: 'metadata', host: auth.host ?? this.metadataHost(), isGuess: false };
      case 'file':
        return this.readFile(auth.path, 'auth.path', auth.tokenUrl);
      case 'service-account':
        return serviceAccountOnly(
          'keyFile' in auth
            ? this.readFile(auth.keyFile, 'auth.keyFile')
            : parseCredential(keyJson(auth.key), 'auth.key'),
        );
    }
  }

  private defaultCredential(): Credential {
    const path = variableOf(this.#environment, 'GOOGLE_APPLICATION_CREDENTIALS');
    if (path !== undefined) return this.readFile(path, 'GOOGLE_APPLICATION_CREDENTIALS');
    const wellKnown = wellKnownPath(this.#environment);
    if (existsSync(wellKnown)) return this.readFile(wellKnown, 'the credential file of gcloud');
    const isGuess = variableOf(this.#environment, 'GCE_METADATA_HOST') === undefined;
    return { type: 'metadata', host: this.metadataHost(), isGuess };
  }

  private metadataHost(): string {
    const host = variableOf(this.#environment, 'GCE_METADATA_HOST') ?? DEFAULT_METADATA_HOST;
    if (METADATA_HOST.test(host)) return host;
    throw unusable('GCE_METADATA_HOST', 'must be a host, or a host with its port');
  }

  private readFile(path: string, origin: string, tokenUrl?: string): FileCredential {
    const place = `${origin} (${quoteName(path)})`;
    try {
      const credential = parseCredential(parseJson(contentOf(path, place), place), place, tokenUrl);
      this.#usable = { path, credential };
      return credential;
    } catch (error) {
      if (this.#usable?.path === path && isSecretManagerError(error))
        return this.#usable.credential;
      throw error;
    }
  }
}

function contentOf(path: string, place: string): string {
  const text = textOfFile(path);
  if (text !== undefined) return text;
  throw unusable(place, 'cannot be read: is it a file, is it there, and may this process read it?');
}

function keyJson(key: string | object): unknown {
  return typeof key === 'string' ? parseJson(key, 'auth.key') : key;
}

function serviceAccountOnly(credential: FileCredential): FileCredential {
  if (credential.type === 'service_account') return credential;
  throw unusable('auth', `is not the key of a service account: use { method: 'file', path }`);
}

function wellKnownPath(environment: GoogleEnvironment): string {
  const home = variableOf(environment, 'HOME') ?? homedir();
  const roaming = process.platform === 'win32' ? variableOf(environment, 'APPDATA') : undefined;
  const byDefault =
    roaming === undefined ? join(home, '.config', 'gcloud') : join(roaming, 'gcloud');
  return join(variableOf(environment, 'CLOUDSDK_CONFIG') ?? byDefault, WELL_KNOWN_FILE);
}
