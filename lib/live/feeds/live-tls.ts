import { Logger } from '@nestjs/common';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { isSecretManagerError, SecretManagerError } from '../../core/errors/secret-manager.error';
import { BackgroundTimer } from '../../core/time/background-timer';
import { assertTakes, hasMethod } from './client-shape';
import { liveFields, type Fields, type LiveFields } from './live-fields';
import { isLiveValue, type LiveValue } from './live-value';

/** Key and certificate as PEM, with further authorities for the certificates of clients. */
export interface CertificateFields {
  readonly key: string;
  readonly cert: string;
  readonly ca?: string;
}

/**
 * A certificate that changes. Either one secret that holds `key`, `cert` and perhaps `ca`, as JSON or as an object,
 * or a handle for each of them.
 */
export type LiveCertificate =
  | { readonly key: LiveValue; readonly cert: LiveValue; readonly ca?: LiveValue }
  | LiveValue<string | CertificateFields>;

/** A server of `node:https` or `node:tls`. */
export interface TlsServer {
  setSecureContext(options: object): void;
  once(event: 'close', listener: () => void): unknown;
}

/** The options that `setSecureContext` would reset. Node keeps them on the server. */
const KEPT_OPTIONS = [
  ...['passphrase', 'ca', 'ciphers', 'crl', 'dhparam', 'ecdhCurve', 'honorCipherOrder'],
  ...['maxVersion', 'minVersion', 'secureOptions', 'secureProtocol', 'sessionIdContext'],
  ...['sessionTimeout', 'sigalgs', 'ticketKeys', 'clientCertEngine'],
];

const HANDLES = { required: ['key', 'cert'], optional: ['ca'] };

/** The time that the second half of a pair may take before a warning. */
const WARN_AFTER_MS = 5_000;

/**
 * Gives the server the certificate of the moment, and each later one at its change. Connections that are open go
 * on. Resolves when the first certificate is in place, and rejects if it is unusable.
 *
 * A later key and certificate that do not fit each other are not taken: the old pair serves on, and a warning is
 * logged. With two handles the warning comes after 5 s, because the second half may follow. The feed stops when
 * the server closes.
 */
export async function liveTls(server: TlsServer, certificate: LiveCertificate): Promise<void> {
  const takes = 'a server of node:https or node:tls. Give NestFactory.create() `httpsOptions`';
  assertTakes('liveTls', takes, hasMethod('setSecureContext', server));
  const fields = liveFields('liveTls', certificate, HANDLES);
  const warnAfterMs = isLiveValue(certificate) ? 0 : WARN_AFTER_MS;
  const stop = watch(server, fields, warnAfterMs);
  server.once('close', stop);
  try {
    await fields.get();
    apply(server, fields.reveal(), fields.names);
  } catch (error) {
    stop();
    throw error;
  }
}

/** Takes over each later pair. Returns a function that stops. */
function watch(server: TlsServer, fields: LiveFields, warnAfterMs: number): () => void {
  const warning = new BackgroundTimer();
  const warn = (error: unknown): void => {
    const why = isSecretManagerError(error) ? error.message : 'Node refused it.';
    new Logger('SecretManager').warn(`The former certificate stays in use. ${why}`);
  };
  const unsubscribe = fields.onChange(() => {
    warning.stop();
    try {
      apply(server, fields.reveal(), fields.names);
    } catch (error) {
      if (warnAfterMs === 0) return warn(error);
      warning.set(() => warn(error), warnAfterMs);
    }
  });
  return () => {
    warning.stop();
    unsubscribe();
  };
}

function apply(server: TlsServer, { text, optionalText }: Fields, names: string): void {
  const key = text('key', 'private_key');
  const cert = text('cert', 'certificate');
  const ca = optionalText('ca');
  const kept = Object.fromEntries(KEPT_OPTIONS.map((name) => [name, Reflect.get(server, name)]));
  if (!isPair(key, cert, kept.passphrase)) {
    const message = `${names}: the private key and the certificate are no PEM, or do not fit each other.`;
    throw new SecretManagerError('MALFORMED', message, { operation: 'liveTls' });
  }
  server.setSecureContext({ ...kept, key, cert, ...(ca !== undefined && { ca }) });
}

/** Node takes a pair that does not fit in some cases, and then breaks each handshake. */
function isPair(key: string, cert: string, passphrase: unknown): boolean {
  try {
    const options = typeof passphrase === 'string' ? { key, passphrase } : key;
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(options));
  } catch {
    return false;
  }
}
