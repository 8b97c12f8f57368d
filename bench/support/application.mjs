import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CustomSecretManager,
  SecretManagerModule,
  SecretsService,
} from 'nestjs-custom-secret-manager';

/** Starts a real application on a manager, with every policy. */
export async function start(manager, options = {}) {
  class Application {}
  Module({
    imports: [SecretManagerModule.forRoot({ manager: { useValue: manager }, ...options })],
  })(Application);
  const app = await NestFactory.createApplicationContext(Application, { logger: false });
  return { app, secrets: app.get(SecretsService) };
}

/** A store with a latency that counts its calls. */
export class SlowSecretManager extends CustomSecretManager {
  calls = 0;

  constructor(latencyMs = 5, valueOf = (name) => `value of ${name}`) {
    super('slow');
    this.latencyMs = latencyMs;
    this.valueOf = valueOf;
  }

  async readSecret(name) {
    this.calls += 1;
    if (this.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, this.latencyMs));
    return this.valueOf(name);
  }
}

/** A slow store with a call for twenty secrets, like AWS Secrets Manager. */
export class BatchingSecretManager extends SlowSecretManager {
  async readSecrets(names) {
    const answers = new Map();
    for (let from = 0; from < names.length; from += 20) {
      await this.readSecret('batch');
      for (const name of names.slice(from, from + 20)) answers.set(name, this.valueOf(name));
    }
    return answers;
  }
}
