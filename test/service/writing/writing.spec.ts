import {
  CustomSecretManager,
  type AccessMode,
  type SecretMetadata,
  type SecretsService,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startWith } from '../../support/application';
import { everythingOf, failureOf } from '../../support/failure-of';

class ReadOnlyStore extends CustomSecretManager {
  reads = 0;
  override async readSecret(): Promise<string> {
    this.reads += 1;
    return 'value';
  }
}

const WRITES: readonly [string, (secrets: SecretsService) => Promise<SecretMetadata>][] = [
  ['set', (secrets) => secrets.set('KEY', 'next')],
  ['delete', (secrets) => secrets.delete('KEY')],
  ['rotate', (secrets) => secrets.rotate('KEY', { value: 'next' })],
];

const settings = { accessMode: 'read_and_write' } as const;

describe('writing', () => {
  afterEach(closeApplications);

  it.each(WRITES)(
    'by %s is not permitted under read_only, and makes no call',
    async (operation, write) => {
      const store = new InMemorySecretManager({ KEY: 'value' });
      const { secrets } = await startWith(store);

      const error = await failureOf(write(secrets));

      expect(error).toMatchObject({
        code: 'NOT_PERMITTED',
        operation,
        secretName: 'KEY',
        manager: 'in-memory',
      });
      expect(error.message).toMatch(/accessMode is "read_only".*"write_only" or "read_and_write"/);
      expect(store.calls).toEqual([]);
    },
  );

  it.each<AccessMode>(['write_only', 'read_and_write'])(
    'is permitted under %s',
    async (accessMode) => {
      const store = new InMemorySecretManager();
      const { secrets } = await startWith(store, { settings: { accessMode } });

      const written = await secrets.set('KEY', 'value');
      const deleted = await secrets.delete('KEY');

      expect(written).toEqual({ version: '1', createdAt: expect.any(Date) });
      expect(deleted).toEqual({ deletionAt: expect.any(Date) });
    },
  );

  it('updates the cache', async () => {
    const store = new InMemorySecretManager({ KEY: '1' });
    const { secrets } = await startWith(store, { settings });
    await secrets.get('KEY');

    await secrets.set('KEY', '2');
    const written = await secrets.get('KEY');
    await secrets.delete('KEY');
    const deleted = await secrets.get('KEY');

    expect([written, deleted]).toEqual(['2', undefined]);
    expect(store.calls.filter(({ operation }) => operation === 'readSecret')).toHaveLength(1);
  });

  it('passes on description and tags of the settings if the call has none, and merges tags', async () => {
    const store = new InMemorySecretManager();
    const { secrets } = await startWith(store, {
      settings: {
        ...settings,
        description: 'of the settings',
        tags: { team: 'core', env: 'prod' },
      },
    });

    await secrets.set('A', '1');
    await secrets.set('B', '2', { description: 'of the call', tags: { env: 'test', owner: 'me' } });

    expect(await store.describeSecret('A')).toEqual({
      description: 'of the settings',
      tags: { team: 'core', env: 'prod' },
    });
    expect(await store.describeSecret('B')).toEqual({
      description: 'of the call',
      tags: { team: 'core', env: 'test', owner: 'me' },
    });
  });

  it('passes on neither if none is given', async () => {
    const store = new InMemorySecretManager();
    const { secrets } = await startWith(store, { settings });

    await secrets.set('KEY', 'value');

    const options = store.calls[0]?.options ?? {};
    expect('description' in options || 'tags' in options || 'createOnly' in options).toBe(false);
  });

  it('with createOnly fails with CONFLICT if the secret exists', async () => {
    const store = new InMemorySecretManager({ KEY: '1' });
    const { secrets } = await startWith(store, { settings });

    const error = await failureOf(secrets.set('KEY', '2', { createOnly: true }));

    expect(error).toMatchObject({ code: 'CONFLICT', secretName: 'KEY', operation: 'writeSecret' });
    await expect(secrets.get('KEY')).resolves.toBe('1');
  });

  it('with createOnly drops a cached absence after a CONFLICT', async () => {
    const store = new InMemorySecretManager();
    const { secrets } = await startWith(store, { settings });
    await secrets.get('KEY');
    store.rotate('KEY', 'of somebody else');

    await failureOf(secrets.set('KEY', '2', { createOnly: true }));

    await expect(secrets.get('KEY')).resolves.toBe('of somebody else');
  });

  it.each([30, 7, 0])('passes a recovery window of %p days on', async (recoveryWindowInDays) => {
    const store = new InMemorySecretManager({ KEY: '1' });
    const { secrets } = await startWith(store, { settings });

    await secrets.delete('KEY', { recoveryWindowInDays });

    expect(store.calls).toMatchObject([
      { operation: 'deleteSecret', options: { recoveryWindowInDays } },
    ]);
  });

  it.each([undefined, {}, { recoveryWindowInDays: undefined }])(
    'leaves the recovery window to the manager for options of %p',
    async (options) => {
      const store = new InMemorySecretManager({ KEY: '1' });
      const { secrets } = await startWith(store, { settings });

      await secrets.delete('KEY', options);

      expect(Object.keys(store.calls[0]?.options ?? {})).not.toContain('recoveryWindowInDays');
    },
  );

  it.each<[string, string, (secrets: SecretsService) => Promise<unknown>]>([
    ['set', 'writeSecret', (secrets) => secrets.set('KEY', 'next')],
    ['delete', 'deleteSecret', (secrets) => secrets.delete('KEY')],
    ['rotate', 'writeSecret', (secrets) => secrets.rotate('KEY', { value: 'next' })],
  ])('by %s names the method to override if the manager lacks it', async (_, method, write) => {
    const store = new ReadOnlyStore();
    const { secrets } = await startWith(store, { settings });

    const error = await failureOf(write(secrets));

    expect(error).toMatchObject({
      code: 'UNSUPPORTED',
      secretName: 'KEY',
      manager: 'ReadOnlyStore',
    });
    expect(error.message).toContain(`Override ${method}()`);
    expect(store.reads).toBe(0);
  });

  it.each([undefined, null, 7, { value: 'hvs.canary' }, Buffer.from('hvs.canary')])(
    'needs a string as a value, and refuses %p without a quote',
    async (value) => {
      const store = new InMemorySecretManager();
      const { secrets } = await startWith(store, { settings });

      const errors = [
        await failureOf(secrets.set('KEY', value as never)),
        await failureOf(secrets.rotate('KEY', { value: value as never })),
      ];

      expect(errors.map(({ code }) => code)).toEqual(['INVALID_ARGUMENT', 'INVALID_ARGUMENT']);
      expect(errors.map(everythingOf).join()).not.toContain('hvs.canary');
      expect(store.calls).toEqual([]);
    },
  );

  it('accepts the empty string as a value', async () => {
    const { secrets } = await startWith(new InMemorySecretManager({ KEY: 'x' }), { settings });

    await secrets.set('KEY', '');

    await expect(secrets.get('KEY')).resolves.toBe('');
  });

  it('leaks nothing of the value through the answer of the store', async () => {
    class Echoing extends ReadOnlyStore {
      override async writeSecret(_: string, value: string): Promise<SecretMetadata> {
        return { version: '7', value, request: { value } } as SecretMetadata;
      }
    }
    const { secrets } = await startWith(new Echoing(), { settings });

    const metadata = await secrets.set('KEY', 'hvs.canary');

    expect(metadata).toEqual({ version: '7' });
  });

  it('does not treat { status: "error" } as a success', async () => {
    class Reporting extends ReadOnlyStore {
      override async writeSecret(): Promise<never> {
        return { status: 'error', message: 'hvs.canary' } as never;
      }
    }
    const { secrets } = await startWith(new Reporting(), { settings });

    const error = await failureOf(secrets.set('KEY', 'value'));

    expect(error.code).toBe('UNKNOWN');
    expect(error.message).toMatch(/status: 'error'.*must be thrown/);
    expect(everythingOf(error)).not.toContain('hvs.canary');
  });

  it('is not retried, because its outcome is unknown', async () => {
    const store = new InMemorySecretManager({ KEY: '1' });
    store.fail('unavailable');
    const { secrets } = await startWith(store, { settings });

    const error = await failureOf(secrets.set('KEY', '2'));

    expect(error).toMatchObject({ code: 'UNAVAILABLE', operation: 'writeSecret' });
    expect(store.calls).toHaveLength(1);
  });

  it('with an unknown outcome drops the cached value', async () => {
    const store = new InMemorySecretManager({ KEY: '1' });
    const { secrets } = await startWith(store, { settings });
    await secrets.get('KEY');
    store.fail('unavailable', { times: 1 });

    await failureOf(secrets.set('KEY', '2'));

    expect(secrets.inspect()).toEqual([]);
  });
});
