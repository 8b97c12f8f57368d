import type { INestApplication, Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { SecretsService } from 'nestjs-custom-secret-manager';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import request from 'supertest';
import { Mailer, AppModule as WholeModule } from './app.module';
import { AppModule as QuickStartModule } from './quick-start';

describe('The examples of the README', () => {
  const secrets = new Map<string, string>();
  let store: Server;

  beforeAll(async () => {
    store = createServer((incoming, outgoing) => {
      const value = secrets.get(String(incoming.url).replace('/secrets/', ''));
      outgoing.writeHead(value === undefined ? 404 : 200).end(value);
    });
    await new Promise<void>((resolve) => store.listen(0, '127.0.0.1', resolve));
    process.env.STORE_URL = `http://127.0.0.1:${(store.address() as AddressInfo).port}`;
  });

  afterAll(() => {
    delete process.env.STORE_URL;
    store.close();
    store.closeAllConnections();
  });

  beforeEach(() => {
    secrets.clear();
    secrets.set('OPENAI_API_KEY', 'sk-1234').set('SMTP_PASSWORD', 'one');
  });

  async function boot(module: Type): Promise<INestApplication> {
    const app = (
      await Test.createTestingModule({ imports: [module] }).compile()
    ).createNestApplication({ logger: false });
    return await app.init();
  }

  it('answer a request with a secret of the store', async () => {
    const app = await boot(QuickStartModule);

    const { text } = await request(app.getHttpServer()).get('/models').expect(200);

    expect(text).toBe('asking with a key of 7 characters');
    await app.close();
  });

  it('reveal what the store has at the moment, and report health', async () => {
    const app = await boot(WholeModule);
    const mailer = app.get(Mailer);
    const before = mailer.connect();

    secrets.set('SMTP_PASSWORD', 'two');
    await app.get(SecretsService).refresh('SMTP_PASSWORD');

    expect([before, mailer.connect()]).toEqual([{ pass: 'one' }, { pass: 'two' }]);
    await request(app.getHttpServer()).get('/health').expect(200);
    await app.close();
  });

  it('do not start without what they need', async () => {
    secrets.delete('SMTP_PASSWORD');

    await expect(boot(WholeModule)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('"SMTP_PASSWORD"'),
    });
  });
});
