import { existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { useStore } from '../../support/encrypted-file';
import { failureOf } from '../../support/failure-of';

const store = useStore();

describe('a store that disappears', () => {
  it.each([
    ['its file', () => rmSync(store.path)],
    ['its folder', () => rmSync(dirname(store.path), { recursive: true })],
  ])('is UNAVAILABLE, and not created again, if %s is missing', async (_, remove) => {
    await store.manager.writeSecret('KEY', 'value');
    remove();

    const failures = [
      await failureOf(store.manager.readSecret('KEY')),
      await failureOf(() => store.manager.readSecretSync('KEY')),
      await failureOf(store.manager.writeSecret('KEY', 'value')),
      await failureOf(store.manager.deleteSecret('KEY')),
      await failureOf(store.manager.checkHealth()),
    ];

    expect(failures).toMatchObject(Array(5).fill({ code: 'UNAVAILABLE', retryable: true }));
    expect(existsSync(store.path)).toBe(false);
  });

  it('is UNAVAILABLE after close, except for another close', async () => {
    await store.manager.writeSecret('KEY', 'value');
    const underWay = store.manager.writeSecret('LAST', 'value');
    await store.manager.close();
    await store.manager.close();

    const failures = [
      await failureOf(store.manager.readSecret('KEY')),
      await failureOf(() => store.manager.readSecretSync('KEY')),
      await failureOf(store.manager.writeSecret('KEY', 'value')),
      await failureOf(store.manager.checkHealth()),
    ];

    expect(failures).toMatchObject(Array(4).fill({ code: 'UNAVAILABLE' }));
    await expect(underWay).resolves.toMatchObject({ version: '2' });
    expect((await (await store.opened()).readSecret('LAST'))?.value).toBe('value');
  });

  it('cannot be created below a file, and reports that', async () => {
    const error = await failureOf(
      store.opened({ path: join(store.path, 'below'), key: store.key }),
    );

    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toContain('can be neither opened nor made');
  });
});
