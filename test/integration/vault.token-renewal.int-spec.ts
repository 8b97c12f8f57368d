import type { VaultAuth } from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { randomUUID } from 'node:crypto';
import { failureOf } from '../support/failure-of';
import { eventually } from './support/eventually';
import { keepReading, lasting } from './support/keep-reading';
import { Logins, type Grants } from './support/logins';
import { startOpenBao, type OpenBao } from './support/openbao';
import { Proxy } from './support/proxy';
import { closeVaults, vaultOn } from './support/vault';

const RENEWAL = /^POST .*\/renew-self$/;

describe('the renewal of a token of OpenBao', () => {
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

  const reader = (auth: VaultAuth): (() => Promise<string | undefined>) => {
    const manager = vaultOn(bao, { address: proxy.address, auth });
    return async () => (await manager.readSecret('KEY'))?.value;
  };

  const granted = async (grants: Partial<Grants>): Promise<() => Promise<string | undefined>> => {
    const ids = await new Logins(bao).appRole(randomUUID(), { policies: ['reader'], ...grants });
    return reader({ method: 'approle', ...ids });
  };

  it.each([500, 503, 429])(
    'succeeds in the end although the server answers %d at first',
    async (status) => {
      let failures = 2;
      proxy.instead = ({ line }) =>
        RENEWAL.test(line) && failures-- > 0
          ? { status, content: { errors: ['internal error'] } }
          : undefined;
      const read = await granted({ ttl: '6s' });
      await read();

      await eventually('it was renewed', () => proxy.count(RENEWAL) >= 3, 12_000);

      await expect(read()).resolves.toBe('value');
      expect(proxy.logins).toBe(1);
    },
  );

  it('that never succeeds is replaced by a login before the token expires', async () => {
    proxy.instead = ({ line }) => (RENEWAL.test(line) ? { status: 500 } : undefined);
    const read = await granted({ ttl: '3s' });

    const { failures } = await keepReading(read, lasting(6_000));

    expect(failures).toEqual([]);
    expect(proxy.logins).toBeGreaterThanOrEqual(2);
    expect(proxy.count(RENEWAL)).toBeLessThan(40);
  });

  it('is skipped if the token cannot be renewed: a login comes in time', async () => {
    const read = await granted({ ttl: '3s', type: 'batch' });

    const { failures } = await keepReading(read, lasting(6_000));

    expect(failures).toEqual([]);
    expect(proxy.logins).toBeGreaterThanOrEqual(3);
    expect(proxy.count(RENEWAL)).toBe(0);
  });

  it('keeps a given token, too, up to the limit of the server', async () => {
    const { body } = await bao.expect('POST', 'auth/token/create', {
      policies: ['reader'],
      ttl: '3s',
      explicit_max_ttl: '8s',
    });
    const { client_token: token } = (body as { auth: { client_token: string } }).auth;
    const read = reader({ method: 'token', token });

    const { failures } = await keepReading(read, lasting(6_000));
    await eventually('its end has come', () =>
      read().then(
        () => false,
        () => true,
      ),
    );
    const asked = proxy.received.length;
    const failure = await failureOf(read());

    expect(failures).toEqual([]);
    expect(failure).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(proxy.received.length - asked).toBeLessThanOrEqual(2);
  });
});
