import { resolve } from 'node:path';
import { types } from 'node:util';

export const KEY_BYTES = 32;

export interface KeyOptions {
  /** 32 random bytes, or their text as base64, base64url or hex. */
  readonly key?: Uint8Array | string;
  /** A file that holds the key, in any form of `key`. A new store creates it, readable only by its owner. */
  readonly keyFile?: string;
  /** A text from which scrypt derives the key. */
  readonly passphrase?: string;
}

/** The source of the keys of a store. */
export type KeySource =
  | { readonly from: 'key'; readonly key: Buffer }
  | { readonly from: 'keyFile'; readonly path: string }
  | { readonly from: 'passphrase'; readonly passphrase: string };

/** Returns every problem with the options. Each is a clause without a full stop that quotes no key. */
export function keyProblems({ key, keyFile, passphrase }: KeyOptions): string[] {
  const given = Object.entries({ key, keyFile, passphrase }).filter(([, one]) => one !== undefined);
  const names = given.map(([name]) => `\`${name}\``).join(' and ') || 'none of them';
  return [
    ...(given.length === 1
      ? []
      : [
          `exactly one of \`key\`, \`keyFile\` and \`passphrase\` must be given, and there is ${names}`,
        ]),
    ...(key === undefined || toKey(key) ? [] : [keyProblem(key)]),
    ...(keyFile === undefined || isText(keyFile) ? [] : ['`keyFile` must be the path of a file']),
    ...(passphrase === undefined || isText(passphrase)
      ? []
      : ['`passphrase` must be a text that is not empty']),
  ];
}

/** Returns the key source of valid options. */
export function toKeySource({ key, keyFile, passphrase }: KeyOptions): KeySource | undefined {
  const bytes = key === undefined ? undefined : toKey(key);
  if (bytes !== undefined) return { from: 'key', key: bytes };
  if (keyFile !== undefined) return { from: 'keyFile', path: resolve(keyFile) };
  return passphrase === undefined ? undefined : { from: 'passphrase', passphrase };
}

/**
 * Returns a copy of a valid key, so that changes of the original do not affect it. Returns `undefined` for anything
 * else, also for words.
 */
export function toKey(given: unknown): Buffer | undefined {
  const bytes = typeof given === 'string' ? decode(given) : given;
  if (!types.isUint8Array(bytes) || bytes.length !== KEY_BYTES || isSentence(bytes)) {
    return undefined;
  }
  return Buffer.from(bytes);
}

function keyProblem(key: unknown): string {
  const problem = `\`key\` must be ${KEY_BYTES} bytes, or these as base64 or hex`;
  const isText = typeof key === 'string' || types.isUint8Array(key);
  return isText ? `${problem}; words that somebody can remember are a \`passphrase\`` : problem;
}

/** Tells words from random bytes. One random key in 10^14 is printable. */
function isSentence(bytes: Uint8Array): boolean {
  return /^[ -~\r\n]*[ \r\n][ -~\r\n]*$/.test(Buffer.from(bytes).toString('latin1'));
}

function decode(text: string): Buffer | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  return /^[\w+/-]{43}=?$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}

function isText(given: unknown): boolean {
  return typeof given === 'string' && given !== '';
}
