import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CustomSecretManager,
  SecretManagerModule,
  SecretsService,
  type SecretAnswer,
} from 'nestjs-custom-secret-manager';
import { VaultSecretManager } from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { strict as assert } from 'node:assert';
import 'reflect-metadata';

@Injectable()
class StoreSecretManager extends CustomSecretManager {
  override async readSecret(name: string): Promise<SecretAnswer> {
    return { value: `value of ${name}`, version: '1' };
  }
}

@Module({
  imports: [SecretManagerModule.forRoot({ manager: StoreSecretManager, preload: ['NAME'] })],
})
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, {
    logger: ['error'],
    abortOnError: false,
  });

  assert.equal(app.get(SecretsService).getSync('NAME'), 'value of NAME');
  const subPath = 'nestjs-custom-secret-manager/terminus';
  await assert.rejects(import(subPath), /@nestjs\/terminus/);
  const embedded = 'nestjs-custom-secret-manager/drivers/encrypted-file';
  await assert.rejects(import(embedded), { code: 'MISCONFIGURED', message: /npm install lmdb$/ });
  const vault = new VaultSecretManager({ address: '', auth: { method: 'token', token: 't' } });
  assert.throws(() => vault.validateEnvironment(), { code: 'MISCONFIGURED' });
  await app.close();
  console.log('done');
}

void main();
