import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import { optional, ruleProblems } from '../../../core/validation/option-rules';
import { textOfFile } from '../../../files/text-file';
import { readableFile } from '../options/option-rules';
import type { TlsOptions } from './tls-options';

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
}: TlsOptions = {}): Certificates {
  return {
    ca: caFile === undefined ? ca : textOf('caFile', caFile),
    cert: certFile === undefined ? cert : textOf('certFile', certFile),
    key: keyFile === undefined ? key : textOf('keyFile', keyFile),
  };
}

/** Returns every problem of the certificates as a sentence, without quoting them. */
export function tlsProblems(tls: TlsOptions): readonly string[] {
  const { ca, caFile, cert, certFile, key, keyFile } = tls;
  const hasCert = cert !== undefined || certFile !== undefined;
  const hasKey = key !== undefined || keyFile !== undefined;
  const problems = [
    ...bothGiven({ ca, caFile }),
    ...bothGiven({ cert, certFile }),
    ...bothGiven({ key, keyFile }),
    ...(hasCert === hasKey ? [] : ['tls needs a certificate and its key, or neither']),
    ...ruleProblems({ caFile, certFile, keyFile }, optional(FILES), 'tls.'),
  ];
  return problems.length > 0 ? problems : certificatesProblem(tls);
}

const FILES = { caFile: readableFile, certFile: readableFile, keyFile: readableFile };

function bothGiven(pair: object): readonly string[] {
  const isDouble = Object.values(pair).every((given) => given !== undefined);
  return isDouble ? [`tls has both ${Object.keys(pair).join(' and ')}: give one of them`] : [];
}

function certificatesProblem(tls: TlsOptions): readonly string[] {
  try {
    if (isUsable(certificatesOf(tls))) return [];
  } catch {
    // an unreadable file is a problem, too
  }
  return [
    'tls cannot be used: is each of its parts PEM, and does the key belong to the certificate?',
  ];
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

function textOf(option: keyof TlsOptions, path: string): string {
  const text = textOfFile(path);
  if (text !== undefined) return text;
  throw new SecretManagerError(
    'MISCONFIGURED',
    `tls.${option} (${quoteName(path)}) cannot be read: is it a file, is it there, and may this process read it?`,
  );
}
