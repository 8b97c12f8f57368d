import { createHmac } from 'node:crypto';

const FORMAT = 'nestjs-custom-secret-manager/encrypted-file';
const FORMAT_VERSION = 2;

/** The number of children of the root and of each node. */
export const CHILDREN = 64;

/** The storage key of a sealed part, and the data that binds the seal to its place. */
export interface Place {
  readonly key: Buffer;
  /** The associated data of the seal. */
  readonly binding: string;
}

/** The position of a secret in the tree. */
export interface SecretPath {
  readonly node: number;
  /** The index of the bucket in its node. */
  readonly bucket: number;
  readonly recordKey: Buffer;
}

/** Returns the position of a secret. Without the key of the store, the record key does not disclose the name. */
export function pathOf(name: string, authentication: Buffer): SecretPath {
  const id = createHmac('sha256', authentication).update('name ').update(name, 'utf16le').digest();
  return {
    node: id.readUInt8(0) % CHILDREN,
    bucket: id.readUInt8(1) % CHILDREN,
    recordKey: Buffer.concat([Buffer.from('r'), id]),
  };
}

export function headPlace(header: string): Place {
  return { key: HEAD_KEY, binding: bind('head', header) };
}

export function nodePlace(node: number): Place {
  return { key: Buffer.from(['n'.charCodeAt(0), node]), binding: bind('node', node) };
}

export function bucketPlace(node: number, bucket: number): Place {
  const key = Buffer.from(['b'.charCodeAt(0), node, bucket]);
  return { key, binding: bind('bucket', node, bucket) };
}

export function recordBinding(name: string, version: number): string {
  return bind('record', name, version);
}

export const HEAD_KEY = Buffer.from('head');

function bind(...parts: readonly (string | number)[]): string {
  return JSON.stringify([FORMAT, FORMAT_VERSION, ...parts]);
}
