import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { SecretManagerModule, SecretValue } from 'nestjs-custom-secret-manager';
import { SlowSecretManager } from './support/application.mjs';
import { compare, median, report } from './support/measure.mjs';

const ROUNDS = 15;
const names = Array.from({ length: 100 }, (_, index) => `SECRET_${index}`);

class HundredSecrets {}
for (const name of names) SecretValue(name, { parse: String })(HundredSecrets.prototype, name);

const times = { typed: [], untyped: [] };
await startWith(names).then((app) => app.close()); // warms up
await startWith(HundredSecrets).then((app) => app.close());
for (let round = 0; round < ROUNDS; round++) {
  times.untyped.push(await timeOf(names));
  times.typed.push(await timeOf(HundredSecrets));
}
report('G13', {
  what: `start with ${names.length} typed secrets at 5 ms`,
  figure: `${median(times.typed).toFixed(1)} ms`,
  limit: `untyped ${median(times.untyped).toFixed(1)} ms`,
  ratio: median(times.typed) / median(times.untyped),
  atMost: 1.1,
});

const app = await startWith([...names, HundredSecrets]);
const typed = app.get(HundredSecrets)[names[0]];
const plain = app.get(`SecretManagerModule.forFeature(["${names[0]}"])`);
let length = 0;
const revealOf = (handle) => async (calls) => {
  for (let call = 0; call < calls; call++) length += handle.reveal().length;
};
const reveal = await compare(
  { plain: revealOf(plain), typed: revealOf(typed) },
  { batch: 2_000_000, rounds: 15 },
);
await app.close();
if (length === 0) throw new Error('nothing was revealed');

report('G13', {
  what: 'reveal() of a typed secret',
  figure: `${reveal.typed.toFixed(1)} ns`,
  limit: `of a plain one ${reveal.plain.toFixed(1)} ns`,
  ratio: reveal.typed / reveal.plain,
  atMost: 2,
});

function startWith(secrets) {
  const manager = new SlowSecretManager(5);
  class AppModule {}
  return NestFactory.createApplicationContext(
    {
      module: AppModule,
      imports: [
        SecretManagerModule.forRoot({ manager: { useValue: manager } }),
        SecretManagerModule.forFeature(secrets),
      ],
    },
    { logger: false },
  );
}

async function timeOf(secrets) {
  const startedAt = performance.now();
  const app = await startWith(secrets);
  const took = performance.now() - startedAt;
  await app.close();
  return took;
}
