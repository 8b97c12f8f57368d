import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { VaultTls } from './vault.options';

/** PEM. */
export interface Certificates {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** What is in files is read. */
export function certificatesOf({
  ca,
  caFile,
  cert,
  certFile,
  key,
  keyFile,
}: VaultTls = {}): Certificates {
  return {
    ca: caFile === undefined ? ca : readFileSync(caFile, 'utf8'),
    cert: certFile === undefined ? cert : readFileSync(certFile, 'utf8'),
    key: keyFile === undefined ? key : readFileSync(keyFile, 'utf8'),
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
