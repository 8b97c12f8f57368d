import type { SecretDescription, SecretManagerModuleOptions } from 'nestjs-custom-secret-manager';
import { InMemorySecretManager, type RecordedCall } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startWith, type Started } from '../../support/application';
import { everythingOf, failureOf } from '../../support/failure-of';

const OLD = 'hvs.canary-old';
const NEW = 'hvs.canary-new';
const SAID: SecretDescription = { description: 'of the payment API', tags: { team: 'billing' } };

/** A store that fails at one call of one operation, counted from 1. */
class Breaking extends InMemorySecretManager {
  readonly #seen = new Map<string, number>();
  breakAt: [operation: RecordedCall['operation'], call: number] | undefined;
  forgetsWrites = false;

  override async readSecret(...args: Parameters<InMemorySecretManager['readSecret']>) {
    this.arrived('readSecret');
    return super.readSecret(...args);
  }
  override async writeSecret(...args: Parameters<InMemorySecretManager['writeSecret']>) {
    this.arrived('writeSecret');
    return this.forgetsWrites ? {} : super.writeSecret(...args);
  }
  override async deleteSecret(...args: Parameters<InMemorySecretManager['deleteSecret']>) {
    this.arrived('deleteSecret');
    return super.deleteSecret(...args);
  }

  private arrived(operation: RecordedCall['operation']): void {
    const call = (this.#seen.get(operation) ?? 0) + 1;
    this.#seen.set(operation, call);
    const [broken, at] = this.breakAt ?? [];
    if (operation === broken && call === at)
      throw Object.assign(new Error(`${OLD} ${NEW}`), { status: 403 });
  }
}

async function start(
  store = new Breaking({ OLD }),
  settings: SecretManagerModuleOptions['settings'] = {},
): Promise<Started & { store: Breaking }> {
  await store.writeSecret('OLD', OLD, SAID);
  const started = await startWith(store, {
    settings: { accessMode: 'read_and_write', ...settings },
  });
  return { ...started, store };
}

function operationsOf(store: InMemorySecretManager): string[] {
  return store.calls.slice(1).map(({ operation, secretName }) => `${operation} ${secretName}`);
}

describe('a rotation in place', () => {
  afterEach(closeApplications);

  it('writes the new value, and reads it back from the store', async () => {
    const { secrets, store } = await start();
    await secrets.get('OLD');

    const metadata = await secrets.rotate('OLD', { value: NEW });

    expect(metadata).toMatchObject({ version: '3' });
    expect(operationsOf(store)).toEqual([
      'readSecret OLD',
      'readSecret OLD',
      'writeSecret OLD',
      'readSecret OLD',
    ]);
    await expect(secrets.get('OLD')).resolves.toBe(NEW);
  });

  it('keeps description and tags, whatever the settings say', async () => {
    const { secrets, store } = await start(undefined, {
      description: 'of the settings',
      tags: { x: 'y' },
    });

    await secrets.rotate('OLD', { name: 'OLD', value: NEW });

    expect(await store.describeSecret('OLD')).toEqual(SAID);
    const write = store.calls.filter(({ operation }) => operation === 'writeSecret').at(-1);
    expect(write?.options).not.toHaveProperty('description');
    expect(write?.options).not.toHaveProperty('tags');
  });

  it('writes nothing if the secret is missing', async () => {
    const { secrets, store } = await start();

    const error = await failureOf(secrets.rotate('NONE', { value: NEW }));

    expect(error).toMatchObject({ code: 'NOT_FOUND', operation: 'rotate', secretName: 'NONE' });
    expect(operationsOf(store)).toEqual(['readSecret NONE']);
  });

  it('does not use the environment as the secret', async () => {
    const store = new InMemorySecretManager();
    const { secrets } = await startWith(store, {
      settings: { accessMode: 'read_and_write' },
      environment: { KEY: 'env' },
    });

    const error = await failureOf(secrets.rotate('KEY', { value: NEW }));

    expect(error.code).toBe('NOT_FOUND');
  });

  it('passes params to every step', async () => {
    const { secrets, store } = await start();

    await secrets.rotate(
      'OLD',
      { name: 'NEW', value: NEW },
      { params: { mount: 'kv' }, timeoutMs: 3_000 },
    );

    const handed = store.calls.slice(1).map(({ options }) => options);
    expect(handed).toHaveLength(5);
    for (const options of handed) {
      expect(options?.params).toEqual({ mount: 'kv' });
      expect(options?.timeoutMs).toBeLessThanOrEqual(3_000);
    }
  });

  it('waits for another rotation of the same name', async () => {
    const { secrets, store } = await start();

    await Promise.all(['2', '3', '4'].map((value) => secrets.rotate('OLD', { value })));

    const steps = operationsOf(store).map((step) => step.split(' ')[0]);
    const one = ['readSecret', 'writeSecret', 'readSecret'];
    expect(steps).toEqual([...one, ...one, ...one]);
    await expect(secrets.get('OLD')).resolves.toBe('4');
  });

  it('continues with the next rotation after a failure', async () => {
    const { secrets, store } = await start();
    store.breakAt = ['writeSecret', 2];

    const [first, second] = await Promise.allSettled([
      secrets.rotate('OLD', { value: '2' }),
      secrets.rotate('OLD', { value: '3' }),
    ]);

    expect([first?.status, second?.status]).toEqual(['rejected', 'fulfilled']);
  });
});

describe('a rotation to another name', () => {
  afterEach(closeApplications);

  it('writes and verifies the new one, and then deletes the old one', async () => {
    const { secrets, store } = await start();

    await secrets.rotate('OLD', { name: 'NEW', value: NEW });

    expect(operationsOf(store)).toEqual([
      'readSecret OLD',
      'describeSecret OLD',
      'writeSecret NEW',
      'readSecret NEW',
      'deleteSecret OLD',
    ]);
    expect(Object.keys(store.calls.at(-1)?.options ?? {})).not.toContain('recoveryWindowInDays');
    await expect(secrets.get('NEW')).resolves.toBe(NEW);
    await expect(secrets.get('OLD')).resolves.toBeUndefined();
  });

  it('keeps the description and tags of the old one; the options win', async () => {
    const { secrets, store } = await start(undefined, {
      description: 'of the settings',
      tags: { env: 'prod' },
    });

    await secrets.rotate('OLD', { name: 'NEW', value: NEW }, { tags: { since: '2025' } });

    expect(await store.describeSecret('NEW')).toMatchObject({
      description: SAID.description,
      tags: { team: 'billing', since: '2025' },
    });
  });

  it('checks that it can delete before it writes', async () => {
    class NoDelete extends InMemorySecretManager {
      override readonly deleteSecret = Object.getPrototypeOf(InMemorySecretManager.prototype)
        .deleteSecret;
    }
    const store = new NoDelete({ OLD });
    const { secrets } = await startWith(store, { settings: { accessMode: 'read_and_write' } });

    const error = await failureOf(secrets.rotate('OLD', { name: 'NEW', value: NEW }));

    expect(error).toMatchObject({ code: 'UNSUPPORTED' });
    expect(error.message).toContain('Override deleteSecret()');
    expect(store.calls).toEqual([]);
  });

  it.each<[string, Breaking['breakAt'], string[], string]>([
    ['the write', ['writeSecret', 2], [], 'OLD'],
    ['the verification', ['readSecret', 2], ['written'], 'OLD'],
    ['the deletion', ['deleteSecret', 1], ['written', 'verified'], 'OLD'],
  ])(
    'reports how far it came if %s fails, and never deletes before',
    async (_, breakAt, done, left) => {
      const { secrets, store } = await start();
      store.breakAt = breakAt;

      const error = await failureOf(secrets.rotate('OLD', { name: 'NEW', value: NEW }));

      expect(error).toMatchObject({
        code: 'ROTATION_INCOMPLETE',
        causeCode: 'ACCESS_DENIED',
        done,
        operation: 'rotate',
        secretName: 'OLD',
        retryable: false,
      });
      expect(error.message).toMatch(/"OLD" to "NEW" ended with ACCESS_DENIED/);
      expect(everythingOf(error)).not.toContain('hvs.canary');
      await expect(store.readSecret(left)).resolves.toMatchObject({ value: OLD });
    },
  );

  it('is incomplete if the store returns another value than the written one', async () => {
    const store = new Breaking({ OLD, NEW: 'of somebody else' });
    const { secrets } = await start(store);
    store.forgetsWrites = true;

    const rotation = secrets.rotate('OLD', { name: 'NEW', value: NEW }, { timeoutMs: 500 });
    const error = await failureOf(rotation);

    expect(error).toMatchObject({ code: 'ROTATION_INCOMPLETE', done: ['written'] });
    expect(everythingOf(error)).not.toMatch(/hvs\.canary|of somebody else/);
    expect(operationsOf(store)).not.toContain('deleteSecret OLD');
  });

  it('keeps verifying while the store is down for a moment', async () => {
    const { secrets, store } = await start();
    const readSecret = store.readSecret.bind(store);
    let failures = 0;
    store.readSecret = (...args) => {
      if (args[0] !== 'NEW' || failures === 4) return readSecret(...args);
      failures += 1;
      throw Object.assign(new Error(), { status: 503 });
    };

    await secrets.rotate('OLD', { name: 'NEW', value: NEW });

    expect(failures).toBe(4);
    await expect(secrets.get('NEW')).resolves.toBe(NEW);
  });

  it('throws the original failure if nothing was begun', async () => {
    const { secrets, store } = await start();
    store.breakAt = ['readSecret', 1];

    const error = await failureOf(secrets.rotate('OLD', { name: 'NEW', value: NEW }));

    expect(error.code).toBe('ACCESS_DENIED');
    expect(operationsOf(store)).toEqual([]);
  });

  it.each<[string, SecretManagerModuleOptions['settings'], RegExp]>([
    ['under write_only', { accessMode: 'write_only' }, /write_only.*verified/],
    [
      'to a name that is not hosted',
      { accessMode: 'read_and_write', hostedKeys: ['OLD'] },
      /"NEW".*verified/,
    ],
  ])('is not permitted %s, because nothing could be verified', async (_, settings, text) => {
    const store = new InMemorySecretManager({ OLD });
    const { secrets } = await startWith(store, { settings });

    const error = await failureOf(secrets.rotate('OLD', { name: 'NEW', value: NEW }));

    expect(error.code).toBe('NOT_PERMITTED');
    expect(error.message).toMatch(text);
    expect(store.calls).toEqual([]);
  });
});
