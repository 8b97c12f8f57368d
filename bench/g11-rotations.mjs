import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { setImmediate as turn } from 'node:timers/promises';
import { SecretManagerModule, SecretsService } from 'nestjs-custom-secret-manager';
import { rotatingResource } from 'nestjs-custom-secret-manager/live';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { compare, median, report } from './support/measure.mjs';

const CALLERS = 200;
const CALLS = 40_000;
const PAUSE_MS = 10;

const store = new InMemorySecretManager({ PASSWORD: 'first' });
class Application {}
Module({
  imports: [SecretManagerModule.forRoot({ manager: { useValue: store } })],
  providers: [
    rotatingResource({ provide: 'CLIENT', secrets: ['PASSWORD'], build: () => ({ isOpen: true }) }),
  ],
})(Application);
const app = await NestFactory.createApplicationContext(Application, { logger: false });
const [rotating, secrets] = [app.get('CLIENT'), app.get(SecretsService)];
const percentiles = { still: [], rotated: [] };

const times = await compare(
  {
    still: (calls) => callMany(calls, percentiles.still),
    rotated: async (calls) => {
      const stop = rotateEvery(PAUSE_MS);
      await callMany(calls, percentiles.rotated);
      await stop();
    },
  },
  { batch: CALLS, rounds: 21 },
);
const rotations = rotating.generation - 1;
await app.close();
if (rotations < 100) throw new Error(`there were ${rotations} rotations only`);

report('G11', {
  what: `a call with a rotation every ${PAUSE_MS} ms, ${CALLERS} callers (${rotations} rotations)`,
  figure: `${(times.rotated / 1_000).toFixed(2)} us`,
  limit: `without ${(times.still / 1_000).toFixed(2)} us`,
  ratio: times.rotated / times.still,
  atMost: 1 / 0.95,
});
const [still, rotated] = [median(percentiles.still), median(percentiles.rotated)];
report('G11', {
  what: 'its 99th percentile',
  figure: `${rotated.toFixed(2)} ms`,
  limit: `without ${still.toFixed(2)} ms`,
  ratio: rotated / still,
  atMost: 1.5,
});

async function callMany(calls, percentilesMs) {
  const latencies = [];
  const caller = async () => {
    for (let call = 0; call < calls / CALLERS; call++) {
      const start = performance.now();
      await rotating.use(() => turn());
      latencies.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  percentilesMs.push(latencies.toSorted((a, b) => a - b)[Math.floor(latencies.length * 0.99)]);
}

/** Returns a function that ends the rotations, and waits for the last one. */
function rotateEvery(pauseMs) {
  let isRunning = true;
  const running = (async () => {
    while (isRunning) {
      const next = rotating.generation + 1;
      store.rotate('PASSWORD', `password ${next}`);
      await secrets.refresh('PASSWORD');
      while (rotating.generation < next) await turn();
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  })();
  return async () => {
    isRunning = false;
    await running;
  };
}
