import { Inject, Injectable, Module, type Type } from '@nestjs/common';
import {
  InjectSecret,
  Secret,
  SecretManagerModule,
  getSecretToken,
  type CustomSecretManager,
  type SecretManagerModuleRootOptions,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startApplication } from '../support/application';
import { failureOf } from '../support/failure-of';
import { ScriptedSecretManager } from '../support/scripted.secret-manager';

function rootOf(store: CustomSecretManager, options: Partial<SecretManagerModuleRootOptions> = {}) {
  return SecretManagerModule.forRoot({
    manager: { useFactory: () => store },
    environment: {},
    ...options,
  });
}

@Injectable()
class Client {
  readonly seenInConstructor: string;
  constructor(@InjectSecret('API_KEY') readonly key: Secret) {
    this.seenInConstructor = key.reveal();
  }
}

@Module({ imports: [SecretManagerModule.forFeature(['API_KEY'])], providers: [Client] })
class ClientModule {}

describe('forFeature', () => {
  afterEach(closeApplications);

  it.each([
    ['before', (root: object, feature: Type) => [feature, root as Type]],
    ['after', (root: object, feature: Type) => [root as Type, feature]],
  ])(
    'loads its secrets before a class that injects one is constructed, %s the root',
    async (_, order) => {
      const store = new InMemorySecretManager({ API_KEY: 'sk-1' });

      const app = await startApplication({ imports: order(rootOf(store), ClientModule) });

      expect(app.get(Client, { strict: false }).seenInConstructor).toBe('sk-1');
    },
  );

  it('gives a live handle, which reveals the current value', async () => {
    const store = new InMemorySecretManager({ API_KEY: 'sk-1' });
    const app = await startApplication({
      imports: [rootOf(store, { isGlobal: true }), ClientModule],
    });
    const { key } = app.get(Client, { strict: false });

    store.rotate('API_KEY', 'sk-2');
    await key.get({ maxAgeMs: 0 });

    expect(key.reveal()).toBe('sk-2');
  });

  it('reads all its names concurrently, each once, however many features name it', async () => {
    const store = new InMemorySecretManager({ A: '1', B: '2' });
    @Module({ imports: [SecretManagerModule.forFeature(['A', 'B'])] })
    class One {}
    @Module({ imports: [SecretManagerModule.forFeature(['B', 'os.environ/A'])] })
    class Two {}

    await startApplication({ imports: [One, rootOf(store), Two] });

    expect(store.calls.map(({ secretName }) => secretName).sort()).toEqual(['A', 'B']);
  });

  it('distinguishes the handles of several managers', async () => {
    @Injectable()
    class Both {
      constructor(
        @InjectSecret('KEY') readonly first: Secret,
        @InjectSecret('KEY', 'second') readonly second: Secret,
      ) {}
    }
    const app = await startApplication({
      imports: [
        rootOf(new InMemorySecretManager({ KEY: 'one' })),
        rootOf(new InMemorySecretManager({ KEY: 'two' }), { name: 'second' }),
        SecretManagerModule.forFeature(['KEY']),
        SecretManagerModule.forFeature(['KEY'], { managerName: 'second' }),
      ],
      providers: [Both],
    });
    const { first, second } = app.get(Both);

    expect([first.reveal(), second.reveal()]).toEqual(['one', 'two']);
    expect(app.get(getSecretToken('KEY'), { strict: false })).toBe(first);
    expect(app.get(getSecretToken('os.environ/KEY', 'second'), { strict: false })).toBe(second);
  });

  it('exports its handles to a module that imports it', async () => {
    const feature = SecretManagerModule.forFeature(['API_KEY']);
    @Injectable()
    class Reader {
      constructor(@Inject(getSecretToken('API_KEY')) readonly key: Secret) {}
    }

    const app = await startApplication({
      imports: [rootOf(new InMemorySecretManager({ API_KEY: 'sk-1' })), feature],
      providers: [Reader],
    });

    expect(app.get(Reader).key.name).toBe('API_KEY');
  });

  it('falls back to the environment like get', async () => {
    const root = rootOf(new InMemorySecretManager(), {
      environment: { API_KEY: 'from the environment' },
    });

    const app = await startApplication({ imports: [root, ClientModule] });

    expect(app.get(Client, { strict: false }).seenInConstructor).toBe('from the environment');
  });

  it('prevents the start if names are missing, with all in one error', async () => {
    const store = new InMemorySecretManager({ B: '2' });
    const feature = SecretManagerModule.forFeature(['A', 'B', 'C']);

    const error = await failureOf(startApplication({ imports: [rootOf(store), feature] }));

    expect(error).toMatchObject({ code: 'NOT_FOUND', operation: 'forFeature' });
    expect(error.message).toMatch(/"A"[^]*"C"/);
    expect(error.message).not.toContain('"B"');
  });

  it('reports a missing root', async () => {
    const error = await failureOf(startApplication({ imports: [ClientModule] }));

    expect(error).toMatchObject({ code: 'MISCONFIGURED', operation: 'forFeature' });
    expect(error.message).toMatch(
      /forFeature.*API_KEY.* found no manager\. Import SecretManagerModule\.forRoot\(\)/,
    );
  });

  it('names a missing manager among several', async () => {
    const feature = SecretManagerModule.forFeature(['KEY'], { managerName: 'billing' });
    const root = rootOf(new InMemorySecretManager());

    const error = await failureOf(startApplication({ imports: [root, feature] }));

    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toContain("name: 'billing'");
  });

  it('passes on why the root did not start, and does not call it missing', async () => {
    const root = () => rootOf(new InMemorySecretManager(), { preload: ['MISSING'] });

    const before = await failureOf(startApplication({ imports: [ClientModule, root()] }));
    const after = await failureOf(startApplication({ imports: [root(), ClientModule] }));

    expect(before).toMatchObject({ code: 'NOT_FOUND', secretName: 'MISSING' });
    expect(after).toMatchObject({ code: 'NOT_FOUND', secretName: 'MISSING' });
  });

  it.each([
    ['a string', 'API_KEY'],
    ['undefined', undefined],
    ['null', null],
    ['a number', [1]],
    ['undefined', [undefined]],
  ])('needs a list of names, and reports %s', async (kind, names) => {
    const root = rootOf(new InMemorySecretManager());

    const error = await failureOf(async () =>
      startApplication({ imports: [root, SecretManagerModule.forFeature(names as never)] }),
    );

    expect(['MISCONFIGURED', 'INVALID_ARGUMENT']).toContain(error.code);
    expect(error.message).toContain(kind);
  });

  it('does not start without cache and synchronous read, because a handle could reveal nothing', async () => {
    const store = new ScriptedSecretManager();

    const error = await failureOf(
      startApplication({ imports: [rootOf(store, { cache: false }), ClientModule] }),
    );

    expect(error).toMatchObject({
      code: 'MISCONFIGURED',
      operation: 'forFeature',
      secretName: 'API_KEY',
    });
    expect(error.message).toMatch(/readSecretSync.*cache/s);
  });

  it('starts without cache and synchronous read if the environment has the secret', async () => {
    const root = rootOf(new ScriptedSecretManager(), {
      cache: false,
      settings: { hostedKeys: ['OTHER'] },
      environment: { API_KEY: 'from the environment' },
    });

    const app = await startApplication({ imports: [root, ClientModule] });

    expect(app.get(Client, { strict: false }).seenInConstructor).toBe('from the environment');
  });

  it('reveals without cache by a synchronous read', async () => {
    const store = new InMemorySecretManager({ API_KEY: 'sk-1' });

    const app = await startApplication({
      imports: [rootOf(store, { cache: false }), ClientModule],
    });

    expect(app.get(Client, { strict: false }).seenInConstructor).toBe('sk-1');
  });

  it.each([' A', 'A ', '"A"', "'A"])('refuses the name %j, and names it', async (name) => {
    const store = new InMemorySecretManager({ A: '1', B: '2' });
    const feature = SecretManagerModule.forFeature(['B', name, '../C']);

    const error = await failureOf(startApplication({ imports: [rootOf(store), feature] }));

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', operation: 'forFeature' });
    expect(error.message).toContain(`[1] (${JSON.stringify(name)}) has`);
    expect(error.message).toContain('[2] ("../C") has');
    expect(store.calls).toEqual([]);
  });

  it('prevents the start if a secret is empty', async () => {
    const store = new InMemorySecretManager({ A: '', B: '2' });
    const feature = SecretManagerModule.forFeature(['A', 'B', 'C']);

    const error = await failureOf(startApplication({ imports: [rootOf(store), feature] }));

    expect(error).toMatchObject({ code: 'MALFORMED', operation: 'forFeature' });
    expect(error.message).toMatch(/"A" is empty[^]*"C" was not found/);
  });

  it.each([undefined, 'second'])(
    'gives a handle that accepts an empty value if the name allows it, of the manager %p',
    async (name) => {
      const feature = SecretManagerModule.forFeature([{ name: 'A', allowEmpty: true }, 'B'], {
        managerName: name,
      });
      const store = new InMemorySecretManager({ A: '', B: '2' });

      const app = await startApplication({ imports: [rootOf(store, { name }), feature] });

      const handle = app.get<Secret>(getSecretToken('A', name), { strict: false });
      expect([handle.reveal(), await handle.get()]).toEqual(['', '']);
      store.rotate('B', '');
      const other = app.get<Secret>(getSecretToken('B', name), { strict: false });
      expect((await failureOf(other.get({ maxAgeMs: 0 }))).code).toBe('MALFORMED');
    },
  );

  it.each<[unknown, string]>([
    [{ name: 'A', optional: true }, '"optional" is not an option'],
    [{ name: 'A', allowEmpty: false }, 'allowEmpty: true'],
    [{ allowEmpty: true }, '(undefined)'],
  ])('refuses the item %j', async (item, text) => {
    const feature = SecretManagerModule.forFeature([item as string]);
    const root = rootOf(new InMemorySecretManager());

    const error = await failureOf(startApplication({ imports: [root, feature] }));

    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message).toContain(text);
  });

  it('reports an invalid name before a call to the store', async () => {
    const store = new InMemorySecretManager();
    const feature = SecretManagerModule.forFeature(['../A']);

    const error = await failureOf(startApplication({ imports: [rootOf(store), feature] }));

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', operation: 'forFeature' });
    expect(store.calls).toEqual([]);
  });
});
