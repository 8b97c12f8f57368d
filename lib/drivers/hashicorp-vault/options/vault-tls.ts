import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import type { VaultTls } from './vault.options';

/** Certificates and key as PEM text. */
export interface Certificates {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

const BEGIN = /-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/g;
const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;
const END = /-----END (X509 |TRUSTED )?CERTIFICATE-----/g;

/** Reads the certificates that are files. Throws `MISCONFIGURED` for a missing or unreadable file. */
export function certificatesOf({
  ca,
  caFile,
  cert,
  certFile,
  key,
  keyFile,
}: VaultTls = {}): Certificates {
  return {
    ca: caFile === undefined ? ca : textOf('caFile', caFile),
    cert: certFile === undefined ? cert : textOf('certFile', certFile),
    key: keyFile === undefined ? key : textOf('keyFile', keyFile),
  };
}

/** Returns the problem of the certificates, without quoting them. */
export function certificatesProblem(tls: VaultTls): string | undefined {
  try {
    if (isUsable(certificatesOf(tls))) return undefined;
  } catch {
    // an unreadable file is a problem, too
  }
  return 'tls cannot be used: is each of its parts PEM, and does the key belong to the certificate?';
}

/** Returns `false` for a half-written file, and for a key that does not belong to the certificate. */
export function isUsable(certificates: Certificates): boolean {
  const { ca, cert } = certificates;
  try {
    createSecureContext(certificates);
    return [ca, cert].every((pem) => pem === undefined || isWhole(pem));
  } catch {
    return false;
  }
}

/** Returns whether every certificate is complete. OpenSSL ignores a last certificate that is cut off. */
function isWhole(pem: string): boolean {
  const [begun, ended] = [count(pem, BEGIN), count(pem, END)];
  for (const block of pem.match(BLOCK) ?? []) new X509Certificate(block);
  return begun > 0 && begun === ended;
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

function textOf(option: keyof VaultTls, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new SecretManagerError(
      'MISCONFIGURED',
      `tls.${option} (${quoteName(path)}) cannot be read: is the file there, and may this process read it?`,
    );
  }
}
