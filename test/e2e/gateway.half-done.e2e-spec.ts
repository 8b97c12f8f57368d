import type { DeleteOptions, WriteOptions } from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications } from '../support/application';
import {
  MASTER_KEY,
  SIGNING_KEY,
  hello,
  startGateway,
  type Gateway,
  type Issued,
} from '../support/gateway';
import { hurriedTests } from '../support/hurried-time';
import { removeTemporaryFolders } from '../support/temporary-folder';

type Moment = 'before' | 'after';

/** A store that fails once: at the given change, before or after it is made. */
class BreakingStore extends InMemorySecretManager {
  #break: { changesLeft: number; readonly moment: Moment } | undefined;

  breakAt(change: number, moment: Moment): void {
    this.#break = { changesLeft: change, moment };
  }

  mend(): void {
    this.#break = undefined;
  }

  override writeSecret(
    name: string,
    value: string,
    options?: WriteOptions,
  ): ReturnType<InMemorySecretManager['writeSecret']> {
    return this.change(() => super.writeSecret(name, value, options));
  }

  override deleteSecret(
    name: string,
    options?: DeleteOptions,
  ): ReturnType<InMemorySecretManager['deleteSecret']> {
    return this.change(() => super.deleteSecret(name, options));
  }

  private async change<T>(make: () => Promise<T>): Promise<T> {
    if (this.#break === undefined || (this.#break.changesLeft -= 1) > 0) return await make();
    const { moment } = this.#break;
    this.#break = undefined;
    if (moment === 'after') await make();
    throw Object.assign(new Error(), { statusCode: 503 });
  }
}

const MOMENTS: readonly (readonly [number, Moment])[] = [1, 2, 3, 4, 5, 6, 7, 8].flatMap(
  (change) =>
    [
      [change, 'before'],
      [change, 'after'],
    ] as const,
);

describe('a change of keys that breaks off half-way', () => {
  hurriedTests();
  let store: BreakingStore;
  let gateway: Gateway;

  beforeEach(async () => {
    store = new BreakingStore({ MASTER_KEY });
    gateway = await startGateway(store);
  });

  afterEach(async () => {
    await closeApplications();
    removeTemporaryFolders();
  });

  const statusOf = async (key: string): Promise<number> =>
    (await gateway.post('/v1/chat/completions', hello('echo'), key)).status;

  /** Returns the names of the stored secrets, without the records of keys. */
  const keysInStore = async (): Promise<string[]> => {
    const names = new Set(store.calls.map(({ secretName }) => secretName ?? ''));
    const values = await Promise.all([...names].map((name) => store.readSecret(name)));
    return [...names]
      .filter((name, at) => name.startsWith('litellm/') && name !== SIGNING_KEY && values[at])
      .sort();
  };

  it.each(MOMENTS)('can be retried: a creation, at change %i, %s it', async (change, moment) => {
    store.breakAt(change, moment);
    const first = await gateway.post('/key/generate', { key_alias: 'laptop' });
    store.mend();

    if (first.status === 503) await gateway.post('/key/delete', { key_aliases: ['laptop'] });
    const { key } =
      first.status === 200
        ? (first.body as Issued)
        : await gateway.generate({ key_alias: 'laptop' });

    expect([200, 503]).toContain(first.status);
    expect(await statusOf(key)).toBe(200);
    expect(await keysInStore()).toEqual(['litellm/laptop']);
  });

  it.each(MOMENTS)(
    'can be retried: a regeneration, at change %i, %s it',
    async (change, moment) => {
      const old = await gateway.generate({ models: ['echo'] });
      store.breakAt(change, moment);
      const first = await gateway.post(`/key/${old.token_id}/regenerate`, {});
      store.mend();

      const last =
        first.status === 200 ? first : await gateway.post(`/key/${old.token_id}/regenerate`, {});

      const { key, models } = last.body as Issued;
      expect([200, 503]).toContain(first.status);
      expect(await statusOf(key)).toBe(200);
      expect(models).toEqual(['echo']);
      expect(await statusOf(old.key)).toBe(401);
      expect(await keysInStore()).toHaveLength(1);
    },
  );

  it.each(MOMENTS)('can be retried: a new alias, at change %i, %s it', async (change, moment) => {
    const old = await gateway.generate({ key_alias: 'laptop' });
    const wanted = { key_alias: 'desktop' };
    store.breakAt(change, moment);
    const first = await gateway.post(`/key/${old.token_id}/regenerate`, wanted);
    store.mend();

    let last = first;
    if (first.status !== 200) last = await gateway.post(`/key/${old.token_id}/regenerate`, wanted);
    if (last.status === 409) {
      await gateway.post('/key/delete', { key_aliases: ['desktop'] });
      last = await gateway.post(`/key/${old.token_id}/regenerate`, wanted);
    }

    expect([last.status, await statusOf((last.body as Issued).key)]).toEqual([200, 200]);
    expect(await statusOf(old.key)).toBe(401);
    expect(await keysInStore()).toEqual(['litellm/desktop']);
  });

  it.each(MOMENTS)(
    'can be retried, and the key always works: an update of the alias, at change %i, %s it',
    async (change, moment) => {
      const { key } = await gateway.generate({ key_alias: 'laptop' });
      const wanted = { key, key_alias: 'desktop' };
      store.breakAt(change, moment);
      const first = await gateway.post('/key/update', wanted);
      store.mend();
      const between = await statusOf(key);

      const last = first.status === 200 ? first : await gateway.post('/key/update', wanted);

      expect([200, 503]).toContain(first.status);
      expect([between, last.status, await statusOf(key)]).toEqual([200, 200, 200]);
      expect(await keysInStore()).toEqual(['litellm/desktop']);
    },
  );

  it.each(MOMENTS)(
    'can be retried: a regeneration with a grace period, at change %i, %s it',
    async (change, moment) => {
      const old = await gateway.generate();
      const wanted = { grace_period: '1h' };
      store.breakAt(change, moment);
      const first = await gateway.post(`/key/${old.token_id}/regenerate`, wanted);
      store.mend();
      const between = await statusOf(old.key);

      const last =
        first.status === 200
          ? first
          : await gateway.post(`/key/${old.token_id}/regenerate`, wanted);

      const { key } = last.body as Issued;
      expect([200, 503]).toContain(first.status);
      expect([between, await statusOf(old.key), await statusOf(key)]).toEqual([200, 200, 200]);
    },
  );

  it.each(MOMENTS)('can be retried: a deletion, at change %i, %s it', async (change, moment) => {
    const { key, token_id } = await gateway.generate({ key_alias: 'laptop' });
    store.breakAt(change, moment);
    await gateway.post('/key/delete', { keys: [token_id] });
    store.mend();

    const again = await gateway.post('/key/delete', { keys: [token_id] });

    expect([200, 404]).toContain(again.status);
    expect(await statusOf(key)).toBe(401);
    expect(await keysInStore()).toEqual([]);
    expect((await gateway.get(`/key/info?key=${token_id}`)).status).toBe(404);
  });

  it('does not delete another key that has its alias by now', async () => {
    const old = await gateway.generate({ key_alias: 'laptop' });
    store.breakAt(4, 'before');
    await gateway.post('/key/delete', { keys: [old.token_id] }).expect(503);
    const other = await gateway.generate({ key_alias: 'laptop' });

    const answers = [
      await gateway.get(`/key/info?key=${old.token_id}`),
      await gateway.post(`/key/${old.token_id}/regenerate`, {}),
      await gateway.post('/key/delete', { keys: [old.token_id] }),
    ];

    expect(answers.map(({ status }) => status)).toEqual([404, 404, 200]);
    expect([await statusOf(old.key), await statusOf(other.key)]).toEqual([401, 200]);
    await expect(store.readSecret(`gateway/keys/${old.token_id}`)).resolves.toBeUndefined();
  });
});

describe('two instances on one store', () => {
  const AS_LONG_AS_THE_CACHE_LASTS_MS = 60_000;

  afterEach(async () => {
    jest.restoreAllMocks();
    await closeApplications();
    removeTemporaryFolders();
  });

  const start = async (): Promise<[Gateway, Gateway]> => {
    const store = new InMemorySecretManager({ MASTER_KEY });
    return [await startGateway(store), await startGateway(store)];
  };

  it("accept each other's keys at once, and refuse deleted ones within a minute", async () => {
    const [one, other] = await start();
    const { key } = await one.generate();
    const ask = async (gateway: Gateway): Promise<number> =>
      (await gateway.post('/v1/chat/completions', hello('echo'), key)).status;
    const before = [await ask(one), await ask(other)];

    await one.post('/key/delete', { keys: [key] });
    const atOnce = await ask(one);
    const realNow = performance.now.bind(performance);
    jest
      .spyOn(performance, 'now')
      .mockImplementation(() => realNow() + AS_LONG_AS_THE_CACHE_LASTS_MS);
    const later = await ask(other);

    expect(before).toEqual([200, 200]);
    expect([atOnce, later]).toEqual([401, 401]);
  });

  it('refuse a key that another instance replaced at once', async () => {
    const [one, other] = await start();
    const { key } = await one.generate({ key_alias: 'laptop' });
    await other.post('/v1/chat/completions', hello('echo'), key).expect(200);

    const { body } = await one.post(`/key/${key}/regenerate`, {});
    const answer = await other.post('/v1/chat/completions', hello('echo'), (body as Issued).key);

    expect(answer.status).toBe(200);
  });

  it('give an alias to only one of two concurrent requests', async () => {
    const instances = await start();

    const answers = await Promise.all(
      instances.map((gateway) => gateway.post('/key/generate', { key_alias: 'laptop' })),
    );

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  it('leave one working key after concurrent regenerations', async () => {
    const [one, other] = await start();
    const { key } = await one.generate({ key_alias: 'laptop' });

    await Promise.all([one, other].map((gateway) => gateway.post(`/key/${key}/regenerate`, {})));
    await one.post('/key/delete', { key_aliases: ['laptop'] });
    const { key: next } = await other.generate({ key_alias: 'laptop' });

    const answer = await one.post('/v1/chat/completions', hello('echo'), next);
    expect(answer.status).toBe(200);
  });
});
