import { SecretManagerError, type SecretChange } from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startWith } from '../support/application';

type OnChange = (names: readonly string[], options?: { announce?: boolean }) => void;

/** A store that pushes. */
class PushingManager extends InMemorySecretManager {
  onChange: OnChange = () => undefined;
  signal: AbortSignal | undefined;
  watches = 0;
  failures: Error[] = [];

  override async watchSecrets(
    onChange: OnChange,
    { signal }: { signal: AbortSignal },
  ): Promise<void> {
    this.watches += 1;
    this.onChange = onChange;
    this.signal = signal;
    const failure = this.failures.shift();
    if (failure) throw failure;
  }
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('A manager whose store pushes', () => {
  let manager: PushingManager;

  beforeEach(() => {
    manager = new PushingManager({ KEY: 'old', OTHER: 'other' });
  });

  afterEach(async () => {
    jest.useRealTimers();
    await closeApplications();
  });

  it('makes a changed secret be read again', async () => {
    const { secrets } = await startWith(manager);
    await secrets.get('KEY');
    manager.rotate('KEY', 'new');

    manager.onChange(['KEY']);

    expect(await secrets.get('KEY')).toBe('new');
  });

  it('tells listeners of a change without a read', async () => {
    const { secrets } = await startWith(manager, { preload: ['KEY'] });
    const changes: SecretChange[] = [];
    secrets.secret('KEY').onChange((change) => void changes.push(change));
    manager.rotate('KEY', 'new');

    manager.onChange(['KEY', 'OTHER']);
    await new Promise((resolve) => setTimeout(resolve, 20));

    expect(changes).toMatchObject([{ name: 'KEY', source: 'watch' }]);
    expect(secrets.secret('KEY').reveal()).toBe('new');
  });

  it('tells listeners of a change without a cache', async () => {
    const { secrets } = await startWith(manager, { cache: false });
    const changes: string[] = [];
    secrets.secret('KEY').onChange(({ source }) => void changes.push(source));
    await settle();
    manager.rotate('KEY', 'new');

    manager.onChange(['KEY']);
    await settle();

    expect(changes).toEqual(['watch']);
  });

  it('refuses what is no list of names, and an unclear announcement', async () => {
    await startWith(manager);
    const unclear = { announce: 'yes' as unknown as boolean };

    expect(() => manager.onChange('KEY' as never)).toThrow('takes a list of secret names');
    expect(() => manager.onChange(['../KEY'])).toThrow(SecretManagerError);
    expect(() => manager.onChange(['KEY'], unclear)).toThrow('`announce` must be true or false');
  });

  it('is called again after a rejection, with backoff and one warning', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    manager.failures = [new Error('sk-canary'), new Error('sk-canary')];
    const { log } = await startWith(manager);
    await settle();
    expect(manager.watches).toBe(1);

    await jest.advanceTimersByTimeAsync(1_000);
    expect(manager.watches).toBe(2);
    await jest.advanceTimersByTimeAsync(2_000);
    expect(manager.watches).toBe(3);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(manager.watches).toBe(3);

    expect(log.warnings).toHaveLength(1);
    expect(log.warnings.join()).toContain('watchSecrets() failed with UNKNOWN');
    expect(log.warnings.join()).not.toContain('canary');
  });

  it('is called again with backoff also if it reports something before each rejection', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    const failure = new Error('sk-canary');
    jest.spyOn(manager, 'watchSecrets').mockImplementation(async (onChange) => {
      manager.watches += 1;
      onChange(['KEY']);
      throw failure;
    });
    const { log } = await startWith(manager);

    await jest.advanceTimersByTimeAsync(10_000);

    expect(manager.watches).toBe(4); // after 1, 2 and 4 s
    expect(log.warnings).toHaveLength(1);
  });

  it('is told of the shutdown by its signal, and is not heard after it', async () => {
    const { app, secrets } = await startWith(manager);

    await app.close();

    expect(manager.signal?.aborted).toBe(true);
    expect(() => manager.onChange(['KEY'])).not.toThrow();
    expect(secrets.fleet.state).toBe('off');
  });
});
