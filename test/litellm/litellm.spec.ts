import { Inject, Injectable } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import {
  CustomSecretManager,
  KeyManagementSettings,
  SecretManagerModule,
  SecretsService,
  VirtualKeysService,
  type ManagerBinding,
  type SecretManagerModuleOptions,
} from 'nestjs-custom-secret-manager';
import { inspect } from 'node:util';
import { resolveSettings } from '../../lib/secret-manager.settings';
import { storedName } from '../../lib/virtual-keys/virtual-key-names';
import { CapturedLog, closeApplications, startApplication } from '../support/application';
import { failureOf } from '../support/failure-of';
import {
  CASES,
  CODE_OF,
  DIFFERS,
  SETTLED,
  type Args,
  type Call,
  type Case,
  type Expectation,
} from './oracle';
import { OracleManager, ReadOnlyMgr } from './oracle.secret-manager';

const run = CASES.filter(({ id }) => !(id in DIFFERS));

interface World {
  readonly given: Case['given'];
  readonly manager: ReadOnlyMgr;
  readonly log: CapturedLog;
}

describe('the behaviour of LiteLLM, case by case', () => {
  afterEach(closeApplications);

  it.each(run.map((one) => [one.id, one] as const))('holds in %s', async (id, one) => {
    const { given, call } = one;
    const manager = new (given.client === 'custom_read_only' ? ReadOnlyMgr : OracleManager)(given);
    const world = { given, manager, log: new CapturedLog() };
    const expected = SETTLED[id]?.expect ?? one.sane ?? one.expect;

    const outcome = await outcomeOf(() => perform(call, world));

    expect(outcome).toMatchObject(translated(expected, call));
    expect(seen(world, expected)).toEqual(wanted(expected));
    expect(textOf(outcome, world)).not.toMatch(forbidden(expected));
  });

  it(`runs ${run.length} of the ${CASES.length} cases and lists ${Object.keys(DIFFERS).length} with a reason`, () => {
    const ids = CASES.map(({ id }) => id);

    const listed = Object.entries(DIFFERS);

    expect(run.length + listed.length).toBe(CASES.length);
    expect(ids).toEqual(expect.arrayContaining([...Object.keys(DIFFERS), ...Object.keys(SETTLED)]));
    expect(listed.filter(([, reason]) => reason === '')).toEqual([]);
  });
});

type Outcome = { readonly value: unknown } | { readonly code: string; readonly message: string };

async function outcomeOf(perform: () => Promise<unknown>): Promise<Outcome> {
  let value: unknown;
  const attempt = async (): Promise<never> => {
    value = await perform();
    throw new Done();
  };
  try {
    const { code, message } = await failureOf(attempt);
    return { code, message };
  } catch (error) {
    if ((error as Error).cause instanceof Done) return { value: value ?? null };
    throw error;
  }
}

class Done extends Error {}

/**
 * Translates an expectation. LiteLLM's results of rotations, writes and deletions say only that they succeeded; ours
 * are metadata.
 */
function translated({ value, error }: Expectation, { fn }: Call): object {
  if (error !== undefined) {
    const type = typeof error === 'string' ? error : error.type;
    return { code: CODE_OF[type] ?? `no code for ${type}` };
  }
  if (fn === 'rotateSecret') return { value: {} };
  if (fn.startsWith('onVirtualKey')) return { value: null };
  return { value: fn === 'parseSettings' ? withoutNull(settingsOf(value)) : value };
}

function seen(
  { manager }: World,
  { managerCalled, managerReads, storeAfter }: Expectation,
): object {
  return {
    ...(managerCalled !== undefined && { managerCalled: manager.calls.length > 0 }),
    ...(managerReads !== undefined && { managerReads: manager.calls.length }),
    ...(storeAfter !== undefined && { storeAfter: Object.fromEntries(manager.store) }),
  };
}

function wanted({ managerCalled, managerReads, storeAfter }: Expectation): object {
  return {
    ...(managerCalled !== undefined && { managerCalled }),
    ...(managerReads !== undefined && { managerReads }),
    ...(storeAfter !== undefined && { storeAfter }),
  };
}

function textOf(outcome: Outcome, { log }: World): string {
  return `${'message' in outcome ? outcome.message : ''}\n${log.lines.join('\n')}`;
}

function forbidden({ logsMustNotContain = [], messageMustNotContain = [] }: Expectation): RegExp {
  const texts = [...logsMustNotContain, ...messageMustNotContain, 'sk-from-manager'];
  return new RegExp(texts.map((text) => text.replaceAll('.', '\\.')).join('|'));
}

async function perform(call: Call, world: World): Promise<unknown> {
  const perform = CALLS[call.fn];
  if (perform === undefined) throw new Error(`no rule for ${call.fn}`);
  return await perform(call.args, world);
}

const CALLS: Readonly<Record<string, (args: Args, world: World) => unknown>> = {
  getSecret: async ({ name = '', defaultValue }, world) =>
    (await start(world)).get(name, { default: defaultValue as string }),
  getSecretStr: async ({ name = '' }, world) => (await start(world)).get(name),
  getSecretBool: async ({ name = '', defaultValue }, world) =>
    (await start(world)).getBoolean(name, { default: defaultValue as boolean }),
  strToBool: async ({ value }, world) => {
    const environment = value == null ? {} : { FLAG: value };
    return (await start(world, { environment })).getBoolean('FLAG');
  },
  shouldReadFromManager: async (_, world) => {
    await (await start(world)).get('ANY');
    const isAsked = world.manager.calls.length > 0;
    world.manager.calls.length = 0;
    return isAsked;
  },
  sequence: async ({ calls = [] }, world) => {
    if (calls.some(({ fn }) => fn !== 'getSecret')) {
      for (const call of calls) await perform(call, world); // each read by its own instance
      return calls.map(() => null);
    }
    const secrets = await start(world);
    return await Promise.all(calls.map(({ args }) => secrets.get(args.name ?? '')));
  },
  parseSettings: async ({ raw }, world) => {
    await start({ ...world, given: { ...world.given, client: 'custom', settings: raw ?? {} } });
    return { ...new KeyManagementSettings(), ...settingsOf(raw) };
  },
  rotateSecret: async (
    { current = '', new: name, newValue = '', optionalParams, timeout },
    world,
  ) => {
    const options = { params: optionalParams, ...(timeout && { timeoutMs: timeout * 1000 }) };
    const metadata = await (await start(world)).rotate(current, { name, value: newValue }, options);
    for (const { options: handed } of world.manager.calls)
      expect(handed?.params).toEqual(optionalParams);
    return metadata;
  },
  virtualKeySecretName: ({ keyName }, { given }) => {
    const settings = resolveSettings(settingsOf(given.settings));
    const context = { manager: 'ro', operation: 'create' };
    return storedName(settings.prefixForStoredVirtualKeys, { id: 'id', alias: keyName }, context);
  },
  onVirtualKeyGenerated: async ({ alias, tokenId = '', key }, world) => {
    const made = await (await startKeys(world)).create({ id: tokenId, alias, value: key });
    expect(made.value).toBe(key);
  },
  onVirtualKeyUpdated: async ({ oldAlias, newAlias = null }, world) => {
    await (await startKeys(world)).rename({ id: 'id', alias: oldAlias }, { alias: newAlias });
  },
  onVirtualKeyRotated: async ({ oldAlias, oldToken = '', newAliasInResponse, key }, world) => {
    const virtualKey = { id: oldToken, alias: oldAlias };
    await (await startKeys(world)).rotate(virtualKey, { alias: newAliasInResponse, value: key });
  },
  onVirtualKeysDeleted: async ({ keys = [] }, world) => {
    const given = keys.map(({ alias, token }) => ({ id: token, alias }));
    const outcomes = await (await startKeys(world)).delete(given);
    const failure = [...outcomes.values()].find((outcome) => outcome !== undefined);
    if (failure) throw failure;
  },
  writeSecret: ({ name = '', value }, { manager }) => manager.writeSecret(name, value ?? ''),
  deleteSecret: ({ name = '' }, { manager }) => manager.deleteSecret(name),
  healthCheck: (_, { manager }) => manager.checkHealth(),
  repr: (_, { manager }) => {
    const [, type, name] = /^(\w+) \{.*secretManagerName: '(\w+)'/s.exec(inspect(manager)) ?? [];
    return `<${type}(name=${name})>`;
  },
  assertSafeSecretName: async ({ name = '' }, world) => (await start(world)).get(name),
  loadCustomSecretManager: (_, world) =>
    load(String(world.given.settings?.custom_secret_manager), world),
  initializeSecretManager: ({ keyManagementSystem }, world) =>
    startBound(keyManagementSystem as never, world),
  resolveConfig: async ({ config }, world) => resolve(config, await start(world)),
  loadConfig: async ({ config, times = 1 }, world) => {
    const constructed: object[] = [];
    class Counted extends OracleManager {
      constructor() {
        super(world.given);
        constructed.push(this);
      }
      override readSecret(...args: Parameters<OracleManager['readSecret']>) {
        return world.manager.readSecret(...args);
      }
    }
    const secrets = await startBound(Counted, world);
    for (let time = 0; time < times; time++) await resolve(config, secrets);
    return { constructions: constructed.length, clientReused: constructed.length === 1 };
  },
};

function start(world: World, options: SecretManagerModuleOptions = {}): Promise<SecretsService> {
  const { manager, given } = world;
  const useValue =
    given.client === 'not_a_manager' ? ({ readSecret: () => 'x' } as never) : manager;
  return startBound({ useValue }, world, options);
}

async function startKeys(world: World): Promise<VirtualKeysService> {
  const app = await startApp({ useValue: world.manager }, world);
  return app.get(VirtualKeysService);
}

async function startBound(...args: Parameters<typeof startApp>): Promise<SecretsService> {
  const app = await startApp(...args);
  return app.get(SecretsService);
}

async function startApp(
  manager: ManagerBinding,
  { given, log }: World,
  options: SecretManagerModuleOptions = {},
): Promise<TestingModule> {
  const isThereNone = given.client === null || given.system === 'local';
  const settings = {
    ...settingsOf(given.settings),
    ...(isThereNone && typeof manager !== 'function' && { hostedKeys: [] }),
  };
  return await startApplication(
    {
      imports: [
        SecretManagerModule.forRoot({
          manager,
          settings: given.settings === null ? (null as never) : settings,
          environment: given.env,
          retry: false,
          ...options,
        }),
      ],
    },
    log,
  );
}

/** Removes the fields that are `null`, which LiteLLM uses for `undefined`. */
function withoutNull(settings: object): object {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null));
}

const OF_OTHERS = /^aws_|^custom_secret_manager$/; // without the options of the driver, and the class itself

function settingsOf(settings: unknown): Record<string, unknown> {
  const entries = Object.entries(settings ?? {}).filter(([name]) => !OF_OTHERS.test(name));
  return Object.fromEntries(
    entries.map(([name, value]) => [
      name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
}

/** Loads a class by its path. Nest imports classes, so only the errors of LiteLLM's loader apply. */
async function load(path: string, world: World): Promise<unknown> {
  @Injectable()
  class NeedsArgs extends OracleManager {
    constructor(@Inject('URL') readonly url: string) {
      super(world.given);
    }
  }
  abstract class Partial extends CustomSecretManager {}
  const loadable: Record<string, ManagerBinding> = {
    'my_sm.NeedsArgs': NeedsArgs,
    'my_sm.Partial': Partial as never,
  };
  const missing = path.startsWith('nofile.') ? undefined : path;
  const root = SecretManagerModule.forRoot({
    manager: loadable[path] ?? (missing as never),
    extraProviders: [{ provide: 'URL', useValue: 'http://vault.test' }],
    environment: {},
  });
  const app = await startApplication({ imports: [root] }, world.log);
  return app.get(SecretsService) && 'instantiated through DI';
}

async function resolve(config: unknown, secrets: SecretsService): Promise<unknown> {
  if (typeof config === 'string')
    return config.startsWith('os.environ/') ? secrets.getOrThrow(config) : config;
  if (Array.isArray(config)) return Promise.all(config.map((item) => resolve(item, secrets)));
  if (typeof config !== 'object' || config === null) return config;
  const entries = Object.entries(config).map(
    async ([name, value]) => [name, await resolve(value, secrets)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}
