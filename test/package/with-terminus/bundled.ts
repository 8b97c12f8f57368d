import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CustomSecretManager,
  InjectSecret,
  Secret,
  SecretManagerModule,
  SecretsService,
} from 'nestjs-custom-secret-manager';
import { VaultSecretManager } from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { SyncHttp } from 'nestjs-custom-secret-manager/sync';
import { strict as assert } from 'node:assert';
import 'reflect-metadata';

class StoreSecretManager extends CustomSecretManager {
  override async readSecret(name: string): Promise<string> {
    return `value of ${name}`;
  }
}

@Injectable()
class Consumer {
  constructor(
    readonly secrets: SecretsService,
    @InjectSecret('HANDLE') readonly secret: Secret,
  ) {}
}

@Module({
  imports: [
    SecretManagerModule.forRoot({ manager: StoreSecretManager }),
    SecretManagerModule.forFeature(['HANDLE']),
  ],
  providers: [Consumer],
})
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, {
    logger: ['error'],
    abortOnError: false,
  });
  const { secrets, secret } = app.get(Consumer);
  assert.equal(await secrets.get('NAME'), 'value of NAME');
  assert.equal(secret.reveal(), 'value of HANDLE');
  const vault = new VaultSecretManager({ address: '', auth: { method: 'token', token: 't' } });
  assert.throws(() => vault.validateEnvironment(), { code: 'MISCONFIGURED' });
  await tryWorker();
  await app.close();
  console.log('done');
}

/** Checks that a bundle without a path of its own file reports that it has no worker. */
async function tryWorker(): Promise<void> {
  const http = new SyncHttp();
  try {
    http.start();
  } catch (error) {
    const { code, message } = error as Error & { code: string };
    assert.equal(code, 'MISCONFIGURED');
    assert.match(message, /out of the bundle/);
  }
  await http.close();
}

void main();
