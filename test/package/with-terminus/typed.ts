import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IsInt, IsString, MinLength } from 'class-validator';
import {
  InjectSecretsOf,
  SecretManagerModule,
  SecretValue,
  type Secret,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager, secretsOf } from 'nestjs-custom-secret-manager/testing';
import { strict as assert } from 'node:assert';
import 'reflect-metadata';

class Login {
  @IsString() readonly user!: string;
  @IsString() readonly host: string = 'localhost';
}

class CommonSecrets {
  @SecretValue('TOKEN') @MinLength(4) readonly token!: Secret;
}

class DatabaseSecrets extends CommonSecrets {
  @SecretValue('POOL', { parse: Number }) @IsInt() readonly pool!: Secret<number>;
  @SecretValue('LOGIN', { json: Login }) readonly login!: Secret<Login>;
  @SecretValue('MISSING', { optional: true }) readonly missing: Secret | undefined;
  readonly other = 'left alone';
}

const VALUES = { TOKEN: 'token', POOL: '20', LOGIN: '{"user":"u"}' };

@Injectable()
class Repository {
  constructor(@InjectSecretsOf(DatabaseSecrets) readonly database: DatabaseSecrets) {}
}

@Module({
  imports: [
    SecretManagerModule.forRoot({
      manager: { useFactory: () => new InMemorySecretManager(VALUES) },
      environment: {},
    }),
    SecretManagerModule.forFeature(DatabaseSecrets),
  ],
  providers: [Repository],
})
class AppModule {}

/** esbuild writes no metadata of types, so the class is injected by its token. */
async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
  for (const database of [app.get(Repository).database, secretsOf(DatabaseSecrets, VALUES)]) {
    assert.equal(database.token.reveal(), 'token');
    assert.equal(database.pool.reveal(), 20);
    assert.deepEqual({ ...database.login.reveal() }, { user: 'u', host: 'localhost' });
    assert.equal(database.missing, undefined);
    assert.equal(database.other, 'left alone');
    assert.equal(JSON.stringify(database).includes('"token":"[secret TOKEN]"'), true);
  }
  await app.close();
  console.log('done');
}

void main();
