import type { INestApplication, Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { SecretsService } from 'nestjs-custom-secret-manager';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import request from 'supertest';
import { Mailer, AppModule as WholeModule } from './application';
import { AppModule as QuickStartModule } from './quick-start/app.module';

describe('The README', () => {
  const secrets = new Map<string, string>();
  let store: Server;
  let address: string;

  beforeAll(async () => {
    store = createServer((incoming, outgoing) => {
      const value = secrets.get(String(incoming.url).replace('/secrets/', ''));
      outgoing.writeHead(value === undefined ? 404 : 200).end(value);
    });
    await new Promise<void>((resolve) => store.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(store.address() as AddressInfo).port}`;
  });

  afterAll(() => {
    delete process.env.STORE_URL;
    store.close();
    store.closeAllConnections();
  });

  beforeEach(() => {
    process.env.STORE_URL = address;
    secrets.clear();
    secrets.set('OPENAI_API_KEY', 'sk-1234').set('SMTP_PASSWORD', 'one');
  });

  async function boot(module: Type): Promise<INestApplication> {
    const app = (
      await Test.createTestingModule({ imports: [module] }).compile()
    ).createNestApplication({ logger: false });
    return await app.init();
  }

  it('runs as pasted, with a store of one secret', async () => {
    const program = readFileSync(join(__dirname, 'quick-start/store.cjs'), 'utf8');
    const anyPort = program.replace('8200', '0, function () { console.log(this.address().port) }');
    const pasted = spawn(process.execPath, ['-e', anyPort]);
    const [port] = (await once(pasted.stdout, 'data')) as [Buffer];
    process.env.STORE_URL = `http://127.0.0.1:${port.toString().trim()}`;
    const app = await boot(QuickStartModule);

    const { text } = await request(app.getHttpServer()).get('/models').expect(200);
    const absent = await app.get(SecretsService).get('ABSENT');
    await app.close();
    pasted.kill();

    expect([text, absent]).toEqual(['asking with a key of 7 characters', undefined]);
  });

  it('answers a request with a secret of the store', async () => {
    const app = await boot(QuickStartModule);

    const { text } = await request(app.getHttpServer()).get('/models').expect(200);

    expect(text).toBe('asking with a key of 7 characters');
    await app.close();
  });

  it('reveals the current value after a rotation, and reports health', async () => {
    const app = await boot(WholeModule);
    const mailer = app.get(Mailer);
    const before = mailer.connect();

    secrets.set('SMTP_PASSWORD', 'two');
    await app.get(SecretsService).refresh('SMTP_PASSWORD');

    expect([before, mailer.connect()]).toEqual([{ pass: 'one' }, { pass: 'two' }]);
    await request(app.getHttpServer()).get('/health').expect(200);
    await app.close();
  });

  it('refuses to start while a required secret is missing', async () => {
    secrets.delete('SMTP_PASSWORD');

    await expect(boot(WholeModule)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('"SMTP_PASSWORD"'),
    });
  });
});
