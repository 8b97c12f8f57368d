import type {
  Secret,
  SecretManagerModuleOptions,
  SecretsService,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startWith } from '../../support/application';
import { failureOf } from '../../support/failure-of';

const REJECTED = Object.assign(new Error('the key was rejected'), { status: 401 });

/** Holds the next read of a store back. Resolves, when it has left, to a function that releases its answer. */
function hold(store: InMemorySecretManager): Promise<() => void> {
  return new Promise((resolve) => {
    jest.spyOn(store, 'readSecret').mockImplementationOnce(async () => {
      const reading = store.readSecretSync('KEY');
      await new Promise<void>((answer) => resolve(answer));
      return reading;
    });
  });
}

describe('the use of a secret', () => {
  let store: InMemorySecretManager;

  beforeEach(() => {
    store = new InMemorySecretManager({ KEY: 'old' });
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await closeApplications();
  });

  const start = async (options: SecretManagerModuleOptions = {}): Promise<Secret> => {
    const { secrets } = await startWith(store, options);
    const handle = secrets.secret('KEY');
    await handle.get();
    return handle;
  };

  /** Work that only the new value may do. */
  const work = (value: string): string => {
    if (value !== 'new') throw REJECTED;
    return `done with ${value}`;
  };

  it('passes the present value, and resolves to the result', async () => {
    const handle = await start();

    await expect(handle.use(async (value) => await Promise.resolve(value.length))).resolves.toBe(3);
  });

  it.each([{}, { cache: false as const }])(
    'runs the work once more with the new value of the store, with %j',
    async (options) => {
      const handle = await start(options);
      store.rotate('KEY', 'new');

      await expect(handle.use(work)).resolves.toBe('done with new');
    },
  );

  it('reads once for all callers that were rejected at the same time', async () => {
    const handle = await start();
    store.rotate('KEY', 'new');
    const reads = store.calls.length;

    const results = await Promise.all(Array.from({ length: 200 }, () => handle.use(work)));

    expect(new Set(results)).toEqual(new Set(['done with new']));
    expect(store.calls).toHaveLength(reads + 1);
  });

  it('does not read if the value has changed since', async () => {
    const { secrets } = await startWith(store);
    const handle = secrets.secret('KEY');
    let reads = 0;

    const result = await handle.use(async (value) => {
      if (value === 'old') {
        store.rotate('KEY', 'new');
        await secrets.refresh('KEY');
        reads = store.calls.length;
      }
      return work(value);
    });

    expect(result).toBe('done with new');
    expect(store.calls).toHaveLength(reads);
  });

  it('never takes an answer that is older than the rejection', async () => {
    const { secrets } = await startWith(store);
    const handle = secrets.secret('KEY');
    await handle.get();
    store.delay(20);
    const early = secrets.refresh('KEY'); // left before the rotation
    store.rotate('KEY', 'new');

    await expect(handle.use(work)).resolves.toBe('done with new');
    await early;
  });

  it('takes a value that was written while the secret was read again', async () => {
    const { secrets } = await startWith(store, { settings: { accessMode: 'read_and_write' } });
    const handle = secrets.secret('KEY');
    await handle.get();
    const left = hold(store);
    const result = handle.use(work);
    const answer = await left;

    await secrets.set('KEY', 'new');
    answer();

    await expect(result).resolves.toBe('done with new');
  });

  it('never takes an answer that is older than the value that was rejected', async () => {
    const { secrets } = await startWith(store);
    const handle = secrets.secret('KEY');
    await handle.get();
    const left = hold(store);
    const values: string[] = [];
    const reject = (value: string): never => {
      values.push(value);
      throw REJECTED;
    };
    const first = handle.use(() => Promise.reject(REJECTED)).catch(() => undefined);
    const answer = await left;
    store.rotate('KEY', 'newer');
    secrets.getSync('KEY', { maxAgeMs: 0 });

    const second = handle.use(reject).catch(() => undefined);
    await new Promise(setImmediate);
    answer();
    await Promise.all([first, second]);

    expect(values).toEqual(['newer']);
  });

  it.each<[string, (secrets: SecretsService) => Promise<unknown>]>([
    ['refreshed', (secrets) => secrets.refresh()],
    ['read for another key', (secrets) => secrets.get('OTHER', { maxAgeMs: 0 })],
  ])('does not read for a key of a bundle that was %s since', async (_, read) => {
    const bundle = (value: string): string => `{"KEY":"${value}","OTHER":"${value}"}`;
    store.rotate('ALL', bundle('old'));
    const { secrets } = await startWith(store, { settings: { primarySecretName: 'ALL' } });

    const result = await secrets.secret('KEY').use(async (value) => {
      if (value === 'old') {
        store.rotate('ALL', bundle('new'));
        await read(secrets);
      }
      return work(value);
    });

    expect(result).toBe('done with new');
    expect(store.calls).toHaveLength(2);
  });

  it('throws the first error, unchanged, if the store has no newer value', async () => {
    const handle = await start();
    const rejected = jest.fn(work);

    await expect(handle.use(rejected)).rejects.toBe(REJECTED);

    expect(rejected).toHaveBeenCalledTimes(1);
  });

  it('throws the first error if the store fails', async () => {
    const handle = await start({ retry: false });
    store.fail('unavailable');

    await expect(handle.use(work)).rejects.toBe(REJECTED);
  });

  it('throws the error of the second run as it is', async () => {
    const handle = await start();
    store.rotate('KEY', 'newer');
    const errors = [REJECTED, new Error('of the second run')];

    await expect(handle.use(() => Promise.reject(errors.shift()!))).rejects.toThrow('second run');
  });

  it('reads a rejected secret at most three times in a minute', async () => {
    const { secrets } = await startWith(store);
    const handles = [secrets.secret('KEY'), secrets.secret('KEY')] as const;
    const start = performance.now();
    await handles[0].get();
    const reads = store.calls.length;

    for (let at = 0; at < 10; at++) await handles[at % 2]!.use(work).catch(() => undefined);
    expect(store.calls).toHaveLength(reads + 3);
    jest.spyOn(performance, 'now').mockReturnValue(start + 61_000);
    store.rotate('KEY', 'new');

    await expect(handles[0].use(work)).resolves.toBe('done with new');
  });

  it.each<[string, unknown]>([
    ['another failure', new Error('the network')],
    ['nothing', undefined],
    ['status 500', { status: 500 }],
  ])('reads nothing for %s', async (_, thrown) => {
    const handle = await start();
    const reads = store.calls.length;

    await expect(handle.use(() => Promise.reject(thrown as Error))).rejects.toBe(thrown);

    expect(store.calls).toHaveLength(reads);
  });

  it('asks `isRejected`, and takes one that throws for a no', async () => {
    const handle = await start();
    store.rotate('KEY', 'new');
    const failing = (value: string): string => {
      if (value === 'old') throw new Error('expired');
      return value;
    };
    const broken = (): boolean => {
      throw new Error('broken');
    };

    await expect(handle.use(failing, { isRejected: broken })).rejects.toThrow('expired');
    await expect(handle.use(failing, { isRejected: () => true })).resolves.toBe('new');
  });

  it('takes a promise of `isRejected` for a no, even one that rejects', async () => {
    const handle = await start();
    const isRejected = () => Promise.reject(new Error('broken')) as unknown as boolean;

    await expect(handle.use(work, { isRejected })).rejects.toBe(REJECTED);
    await new Promise(setImmediate); // an unhandled rejection would fail the run
  });

  it('refuses what is no function', async () => {
    const handle = await start();

    const errors = [
      await failureOf(handle.use('work' as never)),
      await failureOf(handle.use(work, { isRejected: 'yes' as never })),
    ];

    expect(errors.map(({ code }) => code)).toEqual(['INVALID_ARGUMENT', 'INVALID_ARGUMENT']);
  });

  it('fails before the work if the secret is missing', async () => {
    const { secrets } = await startWith(store);
    const never = jest.fn();

    const { code } = await failureOf(secrets.secret('MISSING').use(never));

    expect(code).toBe('NOT_FOUND');
    expect(never).not.toHaveBeenCalled();
  });
});
