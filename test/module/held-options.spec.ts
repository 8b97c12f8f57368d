import { Module, type DynamicModule } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import {
  SecretManagerModule,
  SecretsService,
  type SecretManagerModuleOptions,
  type SecretManagerOptionsFactory,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { inspect, types } from 'node:util';
import { serialize } from 'node:v8';
import { closeApplications, startApplication } from '../support/application';
import { leaks } from '../support/failure-of';

const CANARY = 'hvs.CAESIJ-q8w7e6r5t4';

const manager = { useFactory: () => new InMemorySecretManager() };

function optionsOf(): SecretManagerModuleOptions {
  return { environment: { KEY: CANARY }, settings: { description: 'of the team' } };
}

class OptionsFactory implements SecretManagerOptionsFactory {
  createSecretManagerOptions(): SecretManagerModuleOptions {
    return optionsOf();
  }
}

@Module({ providers: [OptionsFactory], exports: [OptionsFactory] })
class OptionsModule {}

const WAYS: readonly [string, () => DynamicModule][] = [
  ['forRoot', () => SecretManagerModule.forRoot({ manager, ...optionsOf() })],
  [
    'forRoot of a named manager',
    () => SecretManagerModule.forRoot({ manager, name: 'named', ...optionsOf() }),
  ],
  ['useFactory', () => SecretManagerModule.forRootAsync({ manager, useFactory: optionsOf })],
  [
    'an asynchronous useFactory',
    () => SecretManagerModule.forRootAsync({ manager, useFactory: async () => optionsOf() }),
  ],
  ['useClass', () => SecretManagerModule.forRootAsync({ manager, useClass: OptionsFactory })],
  [
    'useExisting',
    () =>
      SecretManagerModule.forRootAsync({
        manager,
        imports: [OptionsModule],
        useExisting: OptionsFactory,
      }),
  ],
];

/** Returns everything that is reachable by properties, symbols, maps and sets, but not by closures. */
function reachable(root: unknown): ReadonlySet<unknown> {
  const seen = new Set<unknown>([root]);
  for (const each of seen) {
    if ((typeof each !== 'object' || each === null) && typeof each !== 'function') continue;
    if (types.isMap(each)) for (const entry of each) seen.add(entry);
    if (types.isSet(each)) for (const item of each) seen.add(item);
    for (const key of Reflect.ownKeys(each)) {
      seen.add(Object.getOwnPropertyDescriptor(each, key)?.value);
    }
    seen.add(Object.getPrototypeOf(each));
  }
  return seen;
}

function serialized(value: unknown): string {
  try {
    return serialize(value).toString('latin1');
  } catch {
    return ''; // a function cannot be serialized
  }
}

describe('the environment of the options', () => {
  afterEach(closeApplications);

  it.each(WAYS)('is not visible in the container and the metadata, given by %s', async (_, way) => {
    const root = way();
    @Module({ imports: [root] })
    class AppModule {}
    const app = await startApplication({ imports: [AppModule] });
    const modules = app.get(ModulesContainer);
    const instances = [...modules.values()].flatMap(({ providers }) =>
      [...providers.values()].map(({ instance }): unknown => instance),
    );
    const places = [modules, root, Reflect.getMetadata('imports', AppModule)];

    const texts = [
      inspect(modules, { depth: 9, showHidden: true, maxStringLength: null }),
      inspect(root, { depth: 9, showHidden: true, getters: true, customInspect: false }),
      JSON.stringify(root),
      ...instances.map(serialized),
    ];
    expect(leaks(texts.join(), CANARY)).toBe(false);
    expect(reachable([...places, ...instances]).has(CANARY)).toBe(false);
  });

  it.each(WAYS.filter(([way]) => !way.includes('named')))(
    'takes effect, given by %s',
    async (_, way) => {
      const app = await startApplication({ imports: [way()] });

      await expect(app.get(SecretsService).get('KEY')).resolves.toBe(CANARY);
    },
  );
});
