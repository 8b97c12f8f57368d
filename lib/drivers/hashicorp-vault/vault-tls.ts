import { readFileSync } from 'node:fs';
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
