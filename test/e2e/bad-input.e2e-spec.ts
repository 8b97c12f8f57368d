import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CustomSecretManager,
  SecretManagerModule,
  SecretsService,
  type ManagerBinding,
  type SecretManagerModuleRootOptions,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { CapturedLog, closeApplications, closeLater } from '../support/application';
import { failureOf } from '../support/failure-of';

class Answering extends CustomSecretManager {
  constructor(private readonly answer: () => unknown) {
    super('team-vault');
  }
  override async readSecret(): Promise<never> {
    return (await this.answer()) as never;
  }
}

class Unrelated {
  readSecret(): string {
    return 'value';
  }
}

@Injectable()
class Circular extends InMemorySecretManager {
  constructor(readonly secrets: SecretsService) {
    super();
  }
}

function throwing(thrown: unknown): () => never {
  return () => {
    throw thrown;
  };
}

class ThrowingGetter extends Error {
  override get message(): string {
    throw new Error('hvs.canary');
  }
}

async function start(options: Partial<SecretManagerModuleRootOptions>): Promise<SecretsService> {
  @Module({
    imports: [
      SecretManagerModule.forRoot({
        environment: {},
        ...options,
      } as SecretManagerModuleRootOptions),
    ],
  })
  class AppModule {}
  const app = await NestFactory.create(AppModule, {
    logger: new CapturedLog(),
    abortOnError: false,
  });
  return closeLater(await app.init()).get(SecretsService);
}

async function startWithoutRoot(): Promise<unknown> {
  @Module({ imports: [SecretManagerModule.forFeature(['API_KEY'])] })
  class AppModule {}
  return closeLater(
    await NestFactory.create(AppModule, { logger: new CapturedLog(), abortOnError: false }),
  );
}

async function use(
  binding: ManagerBinding,
  call: (secrets: SecretsService) => unknown,
): Promise<unknown> {
  return call(await start({ manager: binding }));
}

function answering(answer: () => unknown): ManagerBinding {
  return { useFactory: () => new Answering(answer) };
}

const memory: ManagerBinding = {
  useFactory: () => new InMemorySecretManager({ API_KEY: 'value' }),
};
const get = (secrets: SecretsService): unknown => secrets.get('API_KEY', { timeoutMs: 50 });

/** The mistakes, each with its kind, the name that it is about, and the remedy. */
const BAD: readonly [string, () => unknown, string, readonly RegExp[]][] = [
  [
    'no manager',
    () => start({}),
    'MISCONFIGURED',
    [/no manager is given/, /forRoot\(\{ manager: YourSecretManager \}\)/],
  ],
  [
    'a class that does not extend CustomSecretManager',
    () => start({ manager: Unrelated as never }),
    'MISCONFIGURED',
    [/Unrelated does not extend CustomSecretManager/, /Extend it and implement readSecret\(\)/],
  ],
  [
    'a manager that answers a number',
    () =>
      use(
        answering(() => 42),
        get,
      ),
    'MALFORMED',
    [/a number/, /"API_KEY"/, /must answer a string/],
  ],
  [
    'a manager that answers an object',
    () =>
      use(
        answering(() => ({ a: 1 })),
        get,
      ),
    'MALFORMED',
    [/an object/, /"API_KEY"/, /must answer a string/],
  ],
  [
    'forFeature without a root',
    startWithoutRoot,
    'MISCONFIGURED',
    [/found no manager/, /API_KEY/, /Import SecretManagerModule\.forRoot\(\)/],
  ],
  [
    'a name with ..',
    () => use(memory, (secrets) => secrets.get('a/../b')),
    'INVALID_ARGUMENT',
    [/"a\/\.\.\/b"/, /"\." or "\.\." part/, /A name has/],
  ],
  [
    'a name with a line break',
    () => use(memory, (secrets) => secrets.get('a\nb')),
    'INVALID_ARGUMENT',
    [/"a\\nb"/, /control character/],
  ],
  [
    'set under read_only',
    () => use(memory, (secrets) => secrets.set('API_KEY', 'hvs.canary')),
    'NOT_PERMITTED',
    [/set\("API_KEY"\) is not permitted/, /accessMode is "read_only"/, /Set it to/],
  ],
  [
    'hostedKeys as a string',
    () => start({ manager: memory, settings: { hostedKeys: 'A,B' as never } }),
    'MISCONFIGURED',
    [/settings\.hostedKeys must be a list of names, and is a string/, /split\(','\)/],
  ],
  [
    'a promise that never settles',
    () =>
      use(
        answering(() => new Promise(() => undefined)),
        get,
      ),
    'TIMEOUT',
    [/"API_KEY"/, /50 ms/, /`timeoutMs`/],
  ],
  [
    'a manager that throws a string',
    () => use(answering(throwing('hvs.canary')), get),
    'UNKNOWN',
    [/"API_KEY"/, /Throw a SecretManagerError/],
  ],
  [
    'a manager that throws undefined',
    () => use(answering(throwing(undefined)), get),
    'UNKNOWN',
    [/"API_KEY"/, /`debug` option/],
  ],
  [
    'a manager that throws a frozen object',
    () => use(answering(throwing(Object.freeze({ token: 'hvs.canary' }))), get),
    'UNKNOWN',
    [/"API_KEY"/, /`debug` option/],
  ],
  [
    'a manager that throws an error whose message throws',
    () => use(answering(throwing(new ThrowingGetter())), get),
    'UNKNOWN',
    [/"API_KEY"/, /`debug` option/],
  ],
  [
    'a provider that is injected into itself',
    () => start({ manager: Circular }),
    'MISCONFIGURED',
    [/Circular injects SecretsService/, /ConfigService/],
  ],
];

describe('a common mistake', () => {
  afterEach(closeApplications);

  it.each(BAD)('%s is reported with its name and its remedy', async (_, attempt, code, texts) => {
    const error = await failureOf(attempt);

    expect(error.code).toBe(code);
    for (const text of texts) expect(error.message).toMatch(text);
    expect(error.message).not.toContain('hvs.canary');
  });
});
