import { randomUUID } from 'node:crypto';
import { eventually } from './support/eventually';
import { keepReading, lasting } from './support/keep-reading';
import { Logins, type Grants } from './support/logins';
import { startOpenBao, type OpenBao } from './support/openbao';
import { Proxy } from './support/proxy';
import { closeVaults, vaultOn } from './support/vault';

const RENEWAL = /^POST .*\/renew-self$/;

describe('a token of OpenBao', () => {
  let bao: OpenBao;
  let proxy: Proxy;

  beforeAll(async () => {
    bao = await startOpenBao();
    await bao.permit('reader', { 'secret/data/*': ['read'] });
    await bao.put('KEY', 'value');
  });

  beforeEach(async () => {
    proxy = new Proxy(bao.address);
    await proxy.start();
  });

  afterEach(async () => {
    await closeVaults();
    await proxy.stop();
  });

  afterAll(() => bao.stop());

  const granted = async (grants: Partial<Grants>): Promise<() => Promise<string | undefined>> => {
    const ids = await new Logins(bao).appRole(randomUUID(), { policies: ['reader'], ...grants });
    const auth = { method: 'approle', ...ids } as const;
    const manager = vaultOn(bao, { address: proxy.address, auth });
    return async () => (await manager.readSecret('KEY'))?.value;
  };

  it('of three seconds, with a limit of nine, fails no read in thirty', async () => {
    const read = await granted({ ttl: '3s', maxTtl: '9s' });

    const { values, failures, count } = await keepReading(read, lasting(30_000));

    expect([[...values], failures]).toEqual([['value'], []]);
    expect(count).toBeGreaterThan(500);
    expect(proxy.logins).toBeGreaterThanOrEqual(4); // 30 s in lives of 9 s at most
    expect(proxy.logins).toBeLessThanOrEqual(6);
    expect(proxy.count(RENEWAL)).toBeGreaterThanOrEqual(8);
    expect(proxy.count(RENEWAL)).toBeLessThanOrEqual(40);
  }, 40_000);

  it('is renewed without reads', async () => {
    const read = await granted({ ttl: '3s' });
    await read();

    await eventually('it was renewed three times', () => proxy.count(RENEWAL) >= 3);

    await expect(read()).resolves.toBe('value');
    expect(proxy.logins).toBe(1);
  });

  it('with a few uses is replaced when they are spent', async () => {
    const read = await granted({ ttl: '1h', uses: 3 });

    const values: unknown[] = [];
    for (let count = 0; count < 9; count++) values.push(await read());

    expect(new Set(values)).toEqual(new Set(['value']));
    expect(proxy.logins).toBeGreaterThanOrEqual(3);
    expect(proxy.logins).toBeLessThanOrEqual(5);
  });
});
