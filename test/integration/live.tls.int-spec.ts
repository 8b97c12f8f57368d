import type { SecretsService } from 'nestjs-custom-secret-manager';
import { liveTls } from 'nestjs-custom-secret-manager/live';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { once } from 'node:events';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { closeApplications, startWith, type CapturedLog } from '../support/application';
import type { Certificate } from './support/certificates';
import { ROTATIONS, rotateUnderLoad } from './support/rotate-under-load';
import { selfSigned } from './support/self-signed';

jest.setTimeout(60_000 + ROTATIONS * 300);

/** A handshake may take long while 50 callers shake hands in one process. */
const OVERLAP_MS = 2_000;

let store: InMemorySecretManager;
let secrets: SecretsService;
let log: CapturedLog;
let first: Certificate;

beforeEach(async () => {
  first = selfSigned('0');
  store = new InMemorySecretManager({
    CERTIFICATE: JSON.stringify(first),
    KEY: first.key,
    CERT: first.cert,
  });
  const names = ['CERTIFICATE', 'KEY', 'CERT'];
  ({ secrets, log } = await startWith(store, { preload: names }));
});

afterEach(closeApplications);

const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

async function listening<Listener extends Server>(server: Listener): Promise<Listener> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** Makes one request on a connection of its own. Resolves to the name in the server's certificate. */
async function nameOf(port: number, ca: string | string[], options: object = {}): Promise<string> {
  const asked = request({ port, host: '127.0.0.1', ca, agent: false, ...options });
  asked.end();
  const [response] = (await once(asked, 'response')) as [
    NodeJS.ReadableStream & { socket: TLSSocket },
  ];
  const name = response.socket.getPeerCertificate().subject.CN;
  response.resume();
  await once(response, 'end');
  return String(name);
}

/** The certificates that clients accept, by name. They compare the name after the handshake. */
function acceptedCertificates(): {
  readonly accept: (name: string) => void;
  readonly rotate: (round: number) => Promise<void>;
  readonly remove: (round: number) => Promise<void>;
} {
  const valid = new Set(['0']);
  return {
    accept: (name) => {
      if (!valid.has(name)) throw new Error(`The certificate ${name} was removed.`);
    },
    rotate: async (round) => {
      valid.add(String(round));
      await rotate(selfSigned(String(round)));
    },
    remove: async (round) => void valid.delete(String(round)),
  };
}

async function rotate(certificate: Certificate): Promise<void> {
  store.rotate('CERTIFICATE', JSON.stringify(certificate));
  await secrets.refresh('CERTIFICATE');
}

describe('liveTls', () => {
  it('fails no request of node:https', async () => {
    const server = await listening(createServer((_, response) => response.end('ok')));
    await liveTls(server, secrets.secret('CERTIFICATE'));
    const { accept, ...certificates } = acceptedCertificates();
    const served = new Set<string>();

    const { failures } = await rotateUnderLoad({
      feed: 'liveTls, node:https',
      call: async () => {
        const name = await nameOf(portOf(server), [], { rejectUnauthorized: false });
        served.add(name);
        accept(name);
      },
      ...certificates,
      overlapMs: OVERLAP_MS,
    });
    server.close();

    expect(failures).toEqual([]);
    expect(served.size).toBeGreaterThan(ROTATIONS / 4);
    expect(served).toContain(String(ROTATIONS));
  });

  it('fails no handshake of node:tls, and leaves open connections alone', async () => {
    const server = createTlsServer((socket) => socket.pipe(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await liveTls(server, secrets.secret('CERTIFICATE'));
    const { accept, ...certificates } = acceptedCertificates();
    const shake = async (): Promise<TLSSocket> => {
      const socket = connect({
        port: portOf(server),
        host: '127.0.0.1',
        rejectUnauthorized: false,
      });
      await once(socket, 'secureConnect');
      return socket;
    };
    const open = await shake();

    const { failures } = await rotateUnderLoad({
      feed: 'liveTls, node:tls',
      call: async () => {
        const socket = await shake();
        accept(String(socket.getPeerCertificate().subject.CN));
        socket.end();
      },
      ...certificates,
      overlapMs: OVERLAP_MS,
    });
    open.write('still here');
    const [echo] = (await once(open, 'data')) as [Buffer];
    open.destroy();
    server.close();

    expect(failures).toEqual([]);
    expect(echo.toString()).toBe('still here');
  });

  it('keeps the other options of the server', async () => {
    const options = { ...first, minVersion: 'TLSv1.3', requestCert: false } as const;
    const server = await listening(createServer(options, (_, response) => response.end('ok')));
    await liveTls(server, secrets.secret('CERTIFICATE'));
    const next = selfSigned('1');

    await rotate(next);
    const old = nameOf(portOf(server), next.cert, { maxVersion: 'TLSv1.2' });

    await expect(old).rejects.toThrow(/protocol version/i);
    expect(await nameOf(portOf(server), next.cert)).toBe('1');
    server.close();
  });

  it('serves the former pair until two handles fit each other', async () => {
    const server = await listening(createServer((_, response) => response.end('ok')));
    await liveTls(server, { key: secrets.secret('KEY'), cert: secrets.secret('CERT') });
    const next = selfSigned('1');
    const both = [first.cert, next.cert];

    store.rotate('KEY', next.key);
    await secrets.refresh('KEY');
    const between = await nameOf(portOf(server), both);
    store.rotate('CERT', next.cert);
    await secrets.refresh('CERT');

    expect(between).toBe('0');
    expect(await nameOf(portOf(server), both)).toBe('1');
    expect(log.warnings).toEqual([]);
    server.close();
  });

  it.each([
    ['an empty key', (next: Certificate) => ({ ...next, key: '' })],
    ['an empty certificate', (next: Certificate) => ({ ...next, cert: '' })],
    ['a key of another certificate', (next: Certificate) => ({ ...next, key: first.key })],
    ['no PEM', (next: Certificate) => ({ ...next, cert: 'tell-nobody' })],
  ])('refuses %s, and serves the former pair', async (_, spoil) => {
    const server = await listening(createServer((_, response) => response.end('ok')));
    await liveTls(server, secrets.secret('CERTIFICATE'));

    await rotate(spoil(selfSigned('1')));

    expect(await nameOf(portOf(server), first.cert)).toBe('0');
    expect(log.warnings.join()).toContain('The former certificate stays in use.');
    expect(log.lines.join()).not.toContain('tell-nobody');
    server.close();
  });

  it('stops when the server closes', async () => {
    const server = await listening(createServer());
    await liveTls(server, secrets.secret('CERTIFICATE'));
    const set = jest.spyOn(server, 'setSecureContext');
    server.close();
    await once(server, 'close');

    await rotate(selfSigned('1'));

    expect(set).not.toHaveBeenCalled();
  });
});
