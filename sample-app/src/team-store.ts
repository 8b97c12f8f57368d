import { type ConfigService } from '@nestjs/config';
import { SecretManagerError } from 'nestjs-custom-secret-manager';

const ADDRESS = /^https?:\/\/[^/?#@\s]+\/?$/;
const CONFIDENTIAL = /^(https:|http:\/\/(localhost|127(\.\d+){3}|\[::1\])(:\d+)?\/?$)/;
const TOKEN = /^[\x21-\x7e]+$/;

/**
 * The address of the team's store, from `STORE_ADDR`, `STORE_TOKEN` and `STORE_MOUNT`. Variables of other stores are
 * not read, because the token of one server must not reach another.
 */
export class TeamStore {
  constructor(private readonly config: ConfigService) {}

  /** Throws `MISCONFIGURED` for an invalid address or token. The error shows neither. */
  check(): void {
    const address = this.setting('STORE_ADDR');
    if (!ADDRESS.test(address)) {
      throw unset('STORE_ADDR', 'the address of the store, as "https://vault.example:8200"');
    }
    if (!CONFIDENTIAL.test(address) && this.setting('STORE_ALLOW_HTTP') !== 'true') {
      throw unset('STORE_ADDR', `an https address. ${HOW_TO_ALLOW}`);
    }
    if (!TOKEN.test(this.setting('STORE_TOKEN'))) {
      throw unset('STORE_TOKEN', 'a token of the store, without spaces and line breaks');
    }
  }

  /** Returns the URL of a path below `/v1/`, and the headers that a request needs. */
  request(path: string): { readonly url: URL; readonly headers: Record<string, string> } {
    this.check();
    const segments = path.split('/').map(encodeURIComponent);
    if (segments.some((segment) => /^\.{0,2}$/.test(segment))) {
      throw new SecretManagerError('INVALID_ARGUMENT', 'A name has no empty, "." or ".." part.');
    }
    const url = new URL(`/v1/${segments.join('/')}`, this.setting('STORE_ADDR'));
    const token = this.setting('STORE_TOKEN');
    return { url, headers: { 'x-vault-token': token, 'content-type': 'application/json' } };
  }

  /** Returns the path of a secret's data or metadata in the KV 2 mount. */
  path(part: 'data' | 'metadata', secretName: string): string {
    return `${this.setting('STORE_MOUNT') || 'secret'}/${part}/${secretName}`;
  }

  private setting(name: string): string {
    return this.config.get<string>(name) ?? '';
  }
}

const HOW_TO_ALLOW =
  'Plain http shows the token to the network; STORE_ALLOW_HTTP=true allows it for hosts other than loopback';

function unset(name: string, what: string): SecretManagerError {
  return new SecretManagerError('MISCONFIGURED', `${name} must be set to ${what}.`);
}
