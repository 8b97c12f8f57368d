import { liveTls } from 'nestjs-custom-secret-manager/live';
import { EventEmitter } from 'node:events';
import { selfSigned } from '../../integration/support/self-signed';
import { closeApplications } from '../../support/application';
import { CANARY, shown, startLive } from './support';

/** As a server of `node:tls`: it keeps its options as properties. */
class FakeServer extends EventEmitter {
  minVersion = 'TLSv1.3';
  readonly contexts: { key?: string; cert?: string; ca?: string; minVersion?: string }[] = [];

  setSecureContext(options: object): void {
    this.contexts.push(options);
  }
}

const [first, second] = [selfSigned('first'), selfSigned('second')];

afterEach(async () => {
  jest.useRealTimers();
  await closeApplications();
});

describe('liveTls', () => {
  it('sets the first certificate, and each later one', async () => {
    const { secret, rotate } = await startLive({ TLS: first });
    const server = new FakeServer();
    await liveTls(server, secret('TLS'));

    await rotate('TLS', { private_key: second.key, certificate: second.cert, ca: first.cert });

    expect(server.contexts).toEqual([
      expect.objectContaining({ ...first, minVersion: 'TLSv1.3' }),
      expect.objectContaining({ ...second, ca: first.cert, minVersion: 'TLSv1.3' }),
    ]);
  });

  it.each([
    ['a certificate of another key', { key: first.key, cert: second.cert }],
    ['an empty key', { key: '', cert: first.cert }],
    ['no certificate', { key: first.key }],
    ['no PEM', { key: CANARY, cert: CANARY }],
    ['no JSON', CANARY],
  ])('rejects at the start for %s, and listens no more', async (_, value) => {
    const { secret, rotate } = await startLive({ TLS: value });
    const server = new FakeServer();

    const error: unknown = await liveTls(server, secret('TLS')).catch((thrown: unknown) => thrown);
    await rotate('TLS', first);

    expect(error).toMatchObject({ code: 'MALFORMED' });
    expect(String(error)).toContain('"TLS"');
    expect(shown(error)).not.toContain(CANARY);
    expect(server.contexts).toEqual([]);
  });

  it('warns after 5 s if two handles do not fit, and not if the second half follows', async () => {
    const { secret, rotate, log } = await startLive({ KEY: first.key, CERT: first.cert });
    const server = new FakeServer();
    await liveTls(server, { key: secret('KEY'), cert: secret('CERT') });
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });

    await rotate('KEY', second.key);
    jest.advanceTimersByTime(4_000);
    await rotate('CERT', second.cert);
    jest.advanceTimersByTime(10_000);
    const early = [...log.warnings];
    await rotate('KEY', first.key);
    jest.advanceTimersByTime(5_001);

    expect(early).toEqual([]);
    expect(log.warnings).toHaveLength(1);
    expect(log.warnings[0]).toContain('"KEY" and "CERT"');
    expect(server.contexts).toHaveLength(2);
  });

  it('stops with the server', async () => {
    const { secret, rotate } = await startLive({ TLS: first });
    const server = new FakeServer();
    await liveTls(server, secret('TLS'));

    server.emit('close');
    await rotate('TLS', second);

    expect(server.contexts).toHaveLength(1);
  });

  it.each([undefined, null, {}, 'https'])('refuses %p as a server', async (server) => {
    const { secret } = await startLive({ TLS: first });

    await expect(liveTls(server as never, secret('TLS'))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });
});
