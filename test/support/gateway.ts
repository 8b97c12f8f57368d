import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { SECRET_MANAGER, type CustomSecretManager } from 'nestjs-custom-secret-manager';
import { writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import OpenAI from 'openai';
import request from 'supertest';
import { AppModule } from '../../sample-app/src/app.module';
import { ModelList } from '../../sample-app/src/config/model-list';
import { readModelList } from '../../sample-app/src/config/read-model-list';
import { GATEWAY_OPTIONS } from '../../sample-app/src/http/gateway-options';
import { CapturedLog, closeLater } from './application';
import { temporaryFolder } from './temporary-folder';

/** The name of the library's signing key. The first issued key creates it, and it stays. */
export const SIGNING_KEY = 'litellm/service/signing-key';
export const MASTER_KEY = 'sk-canary-of-the-master-key-5e0b';

/** An entry of the configuration file. */
export function modelEntry(model_name: string, model: string, params: object = {}): object {
  return { model_name, litellm_params: { model, ...params } };
}

export const ECHO = modelEntry('echo', 'echo/offline');

export function modelsFile(model_list: unknown): string {
  const path = join(temporaryFolder(), 'models.json');
  writeFileSync(path, typeof model_list === 'string' ? model_list : JSON.stringify({ model_list }));
  return path;
}

/** Starts the sample application on the test's store and a free port. */
export async function startGateway(
  store: CustomSecretManager,
  models: readonly object[] = [ECHO],
): Promise<Gateway> {
  const log = new CapturedLog();
  const module = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(SECRET_MANAGER)
    .useValue(store)
    .overrideProvider(ModelList)
    .useValue(readModelList(modelsFile(models)))
    .setLogger(log)
    .compile();
  const options = { ...GATEWAY_OPTIONS, forceCloseConnections: true }; // closes connections of clients that a test has aborted
  const app = closeLater(module.createNestApplication<INestApplication<Server>>(options));
  await app.listen(0, '127.0.0.1');
  return new Gateway(await app.getUrl(), log);
}

export interface Issued {
  readonly key: string;
  readonly token_id: string;
  readonly key_alias: string | null;
  readonly models: readonly string[];
}

export class Gateway {
  constructor(
    readonly url: string,
    readonly log: CapturedLog,
  ) {}

  get(path: string, key = MASTER_KEY): request.Test {
    return request(this.url).get(path).set('authorization', `Bearer ${key}`);
  }

  post(path: string, content: object | string, key = MASTER_KEY): request.Test {
    const asked = request(this.url).post(path).set('authorization', `Bearer ${key}`);
    return asked.type('json').send(content);
  }

  async generate(content: object = {}): Promise<Issued> {
    const { body } = await this.post('/key/generate', content).expect(200);
    return body as Issued;
  }

  /** Returns the real client, without retries. */
  client(apiKey: string): OpenAI {
    return new OpenAI({ apiKey, baseURL: `${this.url}/v1`, maxRetries: 0 });
  }
}

export function hello(model: string): {
  model: string;
  messages: { role: 'user'; content: string }[];
} {
  return { model, messages: [{ role: 'user', content: 'Good day to you' }] };
}
