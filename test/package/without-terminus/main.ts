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
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
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
  await tryMissingPeers();
  const vault = new VaultSecretManager({ address: '', auth: { method: 'token', token: 't' } });
  assert.throws(() => vault.validateEnvironment(), { code: 'MISCONFIGURED' });
  await tryStoresOverHttp();
  await tryMissingKms();
  await app.close();
  console.log('done');
}

/** The drivers of stores over HTTP, which need no package of the vendor. */
const OVER_HTTP = {
  'azure-key-vault': 'AzureKeyVaultSecretManager',
  'cyberark-conjur': 'ConjurSecretManager',
  'google-secret-manager': 'GoogleSecretManager',
};

type Manager = new (options: object) => CustomSecretManager;

/** Makes each manager with an unknown option, which its check reports. */
async function tryStoresOverHttp(): Promise<void> {
  const load = createRequire(join(process.cwd(), 'package.json'));
  for (const [name, className] of Object.entries(OVER_HTTP)) {
    const path = `nestjs-custom-secret-manager/drivers/${name}`;
    for (const driver of [await import(path), load(path)] as Readonly<Record<string, Manager>>[]) {
      const Manager = driver[className];
      assert.ok(Manager);
      const manager = new Manager({ unknownOption: true });
      assert.throws(() => manager.validateEnvironment(), {
        code: 'MISCONFIGURED',
        message: /unknownOption/,
      });
      await manager.close();
    }
  }
}

/** Without the SDK, only awsKms() fails. It names the package. */
async function tryMissingKms(): Promise<void> {
  const { awsKms, vaultTransit } = await import('nestjs-custom-secret-manager/drivers/decrypting');
  vaultTransit({
    address: 'https://vault.example',
    auth: { method: 'token', token: 't' },
    key: 'k',
  });
  assert.throws(() => awsKms({ keyId: 'alias/app' }), /npm install @aws-sdk\/client-kms/);
}

const PEERS = {
  terminus: '@nestjs/terminus',
  'drivers/aws-parameter-store': '@aws-sdk/client-ssm',
  'drivers/aws-secrets-manager': '@aws-sdk/client-secrets-manager',
  'drivers/encrypted-file': 'lmdb',
};

/** Loads each sub-path whose peer is missing: in both ways of an application, and each build by its file. */
async function tryMissingPeers(): Promise<void> {
  const load = createRequire(join(process.cwd(), 'package.json'));
  const dist = dirname(load.resolve('nestjs-custom-secret-manager'));
  for (const [subPath, peer] of Object.entries(PEERS)) {
    const named = `nestjs-custom-secret-manager/${subPath}`;
    const explained = { code: 'MISCONFIGURED', message: new RegExp(`npm install ${peer}$`) };
    await assert.rejects(import(named), explained);
    assert.throws(() => load(named), explained);
    for (const file of ['index.js', 'index.mjs']) {
      const path = join(dist, subPath, file);
      await assert.rejects(import(pathToFileURL(path).href), explained);
      assert.throws(() => load(path), explained);
    }
  }
}

void main();
