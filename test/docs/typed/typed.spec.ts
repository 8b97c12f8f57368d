import { SecretManagerModule, SecretsService } from 'nestjs-custom-secret-manager';
import { InMemorySecretManager, secretsOf } from 'nestjs-custom-secret-manager/testing';
import { CapturedLog, closeApplications, startApplication } from '../../support/application';
import { failureOf } from '../../support/failure-of';
import { DatabaseListener } from './database.listener';
import { DatabaseModule, Reports } from './database.module';
import { DatabaseSecrets } from './database.secrets';

const login = { host: 'db.internal', username: 'app', password: 'a-long-password' };

describe('the examples of the page on typed secrets', () => {
  afterEach(closeApplications);

  const start = (store: InMemorySecretManager, log = new CapturedLog()) =>
    startApplication(
      {
        imports: [
          SecretManagerModule.forRoot({ manager: { useFactory: () => store }, environment: {} }),
          DatabaseModule,
        ],
        providers: [DatabaseListener],
      },
      log,
    );

  it('read parsed values, and report a change of the login', async () => {
    const store = new InMemorySecretManager({
      'prod/db': JSON.stringify(login),
      FLAGS: '{"beta":true}',
    });
    const log = new CapturedLog();
    const app = await start(store, log);

    store.rotate('prod/db', JSON.stringify({ ...login, port: '6432' }));
    await app.get(SecretsService).refresh('prod/db');

    expect(app.get(Reports).describe()).toBe('db.internal:6432, 10 connections');
    expect(log.lines.join('\n')).toMatch(/The login has changed to/);
  });

  it('fail to start with the problems of the page', async () => {
    const store = new InMemorySecretManager({
      'prod/db': JSON.stringify({ ...login, password: 'short', username: 7 }),
      DB_POOL_SIZE: 'many',
    });

    const { message } = await failureOf(start(store));

    expect(message).toBe(
      [
        'The application cannot start without its secrets:',
        '- DatabaseSecrets.login: the secret "prod/db" breaks the rules isString of username, minLength of password.',
        '- DatabaseSecrets.poolSize: the secret "DB_POOL_SIZE" is refused by `parse`, which returned NaN.',
        '- DatabaseSecrets.flags: The secret "FLAGS" was not found: neither in-memory nor the environment has it.',
      ].join('\n'),
    );
  });

  it('make an instance without Nest', () => {
    const database = secretsOf(DatabaseSecrets, {
      'prod/db': JSON.stringify(login),
      FLAGS: '{"beta":true}',
    });

    expect(new Reports(database).describe()).toBe('db.internal:5432, 10 connections');
  });
});
