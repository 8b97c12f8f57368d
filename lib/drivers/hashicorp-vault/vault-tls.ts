import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { SecretManagerError } from '../../core/secret-manager.error';
import { quoteName } from '../../core/secret-name';
import type { VaultTls } from './vault.options';

/** PEM. */
export interface Certificates {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** What is in files is read. Throws `MISCONFIGURED` for a file that is gone, or may not be read. */
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

/** Whether a connection can be made with them. What OpenSSL says of it helps only who knows its codes, and is not told. */
export function certificatesProblem(tls: VaultTls): string | undefined {
  try {
    createSecureContext(certificatesOf(tls));
    return undefined;
  } catch {
    return 'tls cannot be used: is each of its parts PEM, and does the key belong to the certificate?';
  }
}

function textOf(option: keyof VaultTls, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new SecretManagerError(
      'MISCONFIGURED',
      `tls.${option} (${quoteName(path)}) cannot be read any more: is the file there, and may this process read it?`,
    );
  }
}
