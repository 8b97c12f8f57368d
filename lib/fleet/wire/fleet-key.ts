import {
  createHash,
  createHmac,
  createSecretKey,
  timingSafeEqual,
  type KeyObject,
} from 'node:crypto';
import { read } from '../../core/errors/safe-access';
import { kindOf } from '../../core/errors/wording';

/** The length of the digests on the wire, in bytes. */
export const DIGEST_BYTES = 16;
export const MAC_BYTES = 32;

const SHORTEST_KEY_BYTES = 16;

/** Returns the problem of a key as the rest of a sentence, never the key. */
export function keyProblem(key: unknown): string | undefined {
  if (typeof read(key, 'then') === 'function') return 'must be a string, and is a promise';
  if (typeof key !== 'string') return `must be a string, and is ${kindOf(key)}`;
  if (Buffer.byteLength(key) >= SHORTEST_KEY_BYTES) return undefined;
  return (
    `must have ${SHORTEST_KEY_BYTES} bytes or more, and has ${Buffer.byteLength(key)}. ` +
    'Make one with `openssl rand -base64 32`'
  );
}

/** Returns the public identity of a fleet on its channel. */
export function fleetDigest(id: string): Buffer {
  return createHash('sha256').update(`fleet ${id}`).digest().subarray(0, DIGEST_BYTES);
}

/** One key of a fleet. Names, versions and messages each have a key of their own that is derived from it. */
export class FleetKey {
  readonly #names: KeyObject;
  readonly #versions: KeyObject;
  readonly #messages: KeyObject;
  readonly #fingerprint: Buffer;

  constructor(key: string, fleetId: string) {
    const derive = (purpose: string): Buffer =>
      createHmac('sha256', key).update(`${purpose}\0${fleetId}`).digest();
    this.#names = createSecretKey(derive('names'));
    this.#versions = createSecretKey(derive('versions'));
    this.#messages = createSecretKey(derive('messages'));
    this.#fingerprint = derive('fingerprint');
  }

  equals(other: FleetKey): boolean {
    return timingSafeEqual(this.#fingerprint, other.#fingerprint);
  }

  digestOfName(secretName: string): Buffer {
    return digest(this.#names, secretName);
  }

  digestOfVersion(secretName: string, version: string): Buffer {
    return digest(this.#versions, `${secretName}\0${version}`);
  }

  macOf(message: Uint8Array): Buffer {
    return createHmac('sha256', this.#messages).update(message).digest();
  }
}

function digest(key: KeyObject, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest().subarray(0, DIGEST_BYTES);
}
