import { getQueueToken } from '@nestjs/bullmq';
import { Module, type Type } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Worker, type Queue } from 'bullmq';
import { SECRET_MANAGER, SecretsService } from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { DataSource } from 'typeorm';
import { QueueConnection, QueuesModule } from '../docs/recipes/queues.module';
import { SecretsModule } from '../docs/recipes/secrets.module';
import { DatabaseModule } from '../docs/recipes/typeorm.module';
import { CapturedLog, closeApplications, closeLater } from '../support/application';
import { startPostgres } from './support/postgres';
import { startValkey } from './support/valkey';

const loginOf = (username: string): string =>
  JSON.stringify({ username, password: `password-of-${username}` });

describe('the recipes, on real servers', () => {
  const environment = process.env;
  let store: InMemorySecretManager;
  let app: TestingModule;

  async function start(recipe: Type): Promise<TestingModule> {
    @Module({ imports: [SecretsModule, recipe] })
    class AppModule {}
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .setLogger(new CapturedLog())
      .overrideProvider(SECRET_MANAGER)
      .useValue(store)
      .compile();
    app = closeLater(await module.init());
    return app;
  }

  async function rotate(secretName: string, username: string): Promise<void> {
    store.rotate(secretName, loginOf(username));
    await app.get(SecretsService).refresh(secretName);
  }

  beforeEach(() => {
    process.env = { ...environment };
    store = new InMemorySecretManager({
      DB: loginOf('first'),
      JWT_SECRET: 'secret',
      REDIS: loginOf('first'),
      REDIS_PASSWORD: 'secret',
    });
  });

  afterEach(async () => {
    await closeApplications();
    process.env = environment;
  });

  it('log TypeORM in as the user of the moment', async () => {
    const server = await startPostgres();
    for (const user of ['first', 'second']) {
      await server.execute(`create role ${user} login password 'password-of-${user}'`);
    }
    Object.assign(process.env, { DB_HOST: '127.0.0.1', DB_PORT: String(server.port) });
    const source = (await start(DatabaseModule)).get(DataSource);
    const users = async (): Promise<unknown> => {
      const ask = (): Promise<{ name: string }[]> =>
        source.query('select current_user as name, pg_sleep(0.1)');
      return (await Promise.all([ask(), ask()])).map(([row]) => row?.name).sort();
    };
    const before = await source.query<{ name: string }[]>('select current_user as name');

    await rotate('DB', 'second');
    const after = await users();
    await closeApplications();
    await server.stop();

    expect(before).toEqual([{ name: 'first' }]);
    expect(after).toEqual(['first', 'second']); // the open connection keeps its user
  });

  it('run jobs of BullMQ before and after a rotation', async () => {
    const valkey = await startValkey();
    await valkey.addUser('first', 'password-of-first');
    Object.assign(process.env, { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(valkey.port) });
    const module = await start(QueuesModule);
    const queue = module.get<Queue>(getQueueToken('mail'), { strict: false });
    const { redis: connection } = module.get(QueueConnection, { strict: false });
    const done: unknown[] = [];
    const worker = new Worker('mail', async ({ data }) => void done.push(data), { connection });
    worker.on('error', () => undefined);
    const finished = async (letter: string): Promise<void> => {
      const completed = new Promise((resolve) => worker.once('completed', resolve));
      await queue.add('letter', letter);
      await completed;
    };
    await finished('one');

    await valkey.addUser('second', 'password-of-second');
    await rotate('REDIS', 'second');
    await valkey.removeUser('first');
    await finished('two');
    await worker.close();
    await closeApplications();
    await valkey.stop();

    expect(done).toEqual(['one', 'two']);
  });
});
