import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  SecretManagerModule,
  SecretsService,
  type SecretManagerModuleOptions,
} from 'nestjs-custom-secret-manager';
import { ScriptedSecretManager, failure } from '../support/scripted.secret-manager';

const MINUTE_MS = 60_000;

const down = (): never => {
  throw failure('UNAVAILABLE');
};

describe('An application whose store is down', () => {
  let warned: string[];

  beforeEach(() => {
    jest.useFakeTimers();
    warned = [];
    jest.spyOn(Logger.prototype, 'warn').mockImplementation((message: string) => {
      warned.push(message);
    });
  });

  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  async function start(
    manager: ScriptedSecretManager,
    options: SecretManagerModuleOptions = {},
  ): Promise<SecretsService> {
    const module = SecretManagerModule.forRoot({ manager: { useValue: manager }, ...options });
    const compiling = Test.createTestingModule({ imports: [module] }).compile();
    await jest.advanceTimersByTimeAsync(30_000);
    return (await compiling).get(SecretsService);
  }

  it('starts with a hundred secrets if the store is back within two seconds', async () => {
    const startsAt = performance.now();
    const manager = new ScriptedSecretManager((name) =>
      performance.now() - startsAt < 2_000 ? down() : `value of ${name}`,
    );
    const names = Array.from({ length: 100 }, (_, index) => `SECRET_${index}`);

    const secrets = await start(manager, { preload: names });

    expect(names.map((name) => secrets.getSync(name))).toEqual(
      names.map((name) => `value of ${name}`),
    );
    expect(secrets.circuitState).toBe('closed');
  });

  it('logs each change once, and nothing per read', async () => {
    const manager = new ScriptedSecretManager();
    const secrets = await start(manager, { preload: ['KEY'] });

    manager.script = down;
    for (let minute = 0; minute < 20; minute++) {
      await jest.advanceTimersByTimeAsync(MINUTE_MS);
      await secrets.get('KEY');
      const another = secrets.get('ANOTHER').catch(() => undefined);
      await jest.advanceTimersByTimeAsync(MINUTE_MS / 2);
      await another;
    }
    manager.script = () => 'new';
    await jest.advanceTimersByTimeAsync(MINUTE_MS);
    await secrets.get('ANOTHER');

    expect(warned.slice(0, 2)).toEqual([
      'scripted: a refresh failed with UNAVAILABLE; cached secrets are served until they are too old.',
      'scripted: the store failed repeatedly; it is asked again by itself in a while (circuit open).',
    ]);
    expect(warned.slice(2).sort()).toEqual([
      'scripted: refreshes succeed again; cached secrets are fresh.',
      'scripted: the store answers again (circuit closed).',
    ]);
    expect(secrets.getSync('KEY')).toBe('new');
  });
});
