import { parseRetryAfter, retryAfterHeader } from 'nestjs-custom-secret-manager/driver-kit';
import { PollingSecretManager, type StoreClient } from './polling.secret-manager';

const client = (tryWrite: StoreClient['tryWrite']): StoreClient => ({
  read: async () => undefined,
  tryWrite,
});

describe('a driver that uses the driver kit', () => {
  it('writes one value after the other, and again after a conflict', async () => {
    const written: string[] = [];
    let conflicts = 1;
    const manager = new PollingSecretManager({
      client: client(async (_, value) => {
        if (conflicts > 0) return conflicts-- === 0;
        written.push(value);
        return true;
      }),
    });

    await Promise.all(['a', 'b', 'c'].map((value) => manager.writeSecret('NAME', value)));

    expect(written).toEqual(['a', 'b', 'c']);
  });

  it('stops waiting when the caller aborts', async () => {
    const controller = new AbortController();
    const manager = new PollingSecretManager({ client: client(async () => false) });

    const write = manager.writeSecret('NAME', 'value', { signal: controller.signal });
    controller.abort();

    await expect(write).rejects.toMatchObject({ code: 'CANCELLED', secretName: 'NAME' });
  });

  it('refuses an option that does not exist, and params', async () => {
    const options = { client: client(async () => true), clint: 1 };
    const manager = new PollingSecretManager({ client: options.client });

    expect(() => new PollingSecretManager(options)).toThrow(/"clint" is not an option/);
    expect(() => manager.readSecret('NAME', { params: { tenant: 'a' } })).toThrow(/"tenant"/);
  });

  it.each([
    [{ 'retry-after': '3' }, 3_000],
    [new Headers({ 'Retry-After': '0' }), undefined],
    [{}, undefined],
  ])('reads Retry-After of %p', (headers, ms) => {
    expect(parseRetryAfter(retryAfterHeader(headers))).toBe(ms);
  });
});
