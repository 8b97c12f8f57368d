import { createHash } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const SHARED_SECRET = 'of-the-test';
const HEADER_BYTES = 20;
const BLOCK_BYTES = 16;
const ACCEPT = 2;
const REJECT = 3;
const USER_PASSWORD = 2;

/**
 * An authentication server (RFC 2865) that accepts several passwords at a time, as a cloud does with tokens.
 * PostgreSQL itself knows one password per role, which leaves no overlap.
 */
export class Radius {
  readonly passwords = new Set<string>();
  /** The passwords that somebody logged in with. */
  readonly accepted = new Set<string>();
  readonly #socket: Socket = createSocket('udp4');

  async start(): Promise<this> {
    this.#socket.on('message', (request, { port, address }) => {
      const password = passwordOf(request);
      const isValid = this.passwords.has(password);
      if (isValid) this.accepted.add(password);
      this.#socket.send(reply(isValid ? ACCEPT : REJECT, request), port, address);
    });
    this.#socket.bind(0, '127.0.0.1');
    await once(this.#socket, 'listening');
    return this;
  }

  /** Returns the line of `pg_hba.conf` that has a user log in here. */
  lineFor(user: string): string {
    const { port } = this.#socket.address();
    return `host all ${user} 127.0.0.1/32 radius radiusservers="127.0.0.1" radiusports="${port}" radiussecrets="${SHARED_SECRET}"`;
  }

  stop(): void {
    this.#socket.close();
  }
}

function passwordOf(request: Buffer): string {
  const hidden = attribute(request, USER_PASSWORD);
  const authenticator = request.subarray(4, HEADER_BYTES);
  const blocks = Array.from({ length: hidden.length / BLOCK_BYTES }, (_, index) => {
    const at = index * BLOCK_BYTES;
    const before = index === 0 ? authenticator : hidden.subarray(at - BLOCK_BYTES, at);
    const mask = md5(Buffer.from(SHARED_SECRET), before);
    return hidden.subarray(at, at + BLOCK_BYTES).map((byte, place) => byte ^ (mask[place] ?? 0));
  });
  return Buffer.concat(blocks).toString().replaceAll('\0', '');
}

function attribute(request: Buffer, wanted: number): Buffer {
  for (let at = HEADER_BYTES; at < request.length;) {
    const [type, length = 0] = request.subarray(at, at + 2);
    if (type === wanted) return request.subarray(at + 2, at + length);
    at += Math.max(2, length);
  }
  return Buffer.alloc(0);
}

function reply(code: number, request: Buffer): Buffer {
  const head = Buffer.from([code, request[1] ?? 0, 0, HEADER_BYTES]);
  const authenticator = request.subarray(4, HEADER_BYTES);
  return Buffer.concat([head, md5(head, authenticator, Buffer.from(SHARED_SECRET))]);
}

function md5(...parts: readonly Buffer[]): Buffer {
  return createHash('md5').update(Buffer.concat(parts)).digest();
}
