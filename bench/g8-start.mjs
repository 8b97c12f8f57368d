import { BatchingSecretManager, SlowSecretManager, start } from './support/application.mjs';
import { median, report } from './support/measure.mjs';

const ROUNDS = 3;
const names = Array.from({ length: 500 }, (_, index) => `SECRET_${index}`);
const times = { serial: [], parallel: [], batched: [] };

for (let round = 0; round < ROUNDS; round++) {
  times.serial.push(await timeOf(() => readOneByOne(new SlowSecretManager(5))));
  times.parallel.push(await timeOf(() => startWith(new SlowSecretManager(5))));
  times.batched.push(await timeOf(() => startWith(new BatchingSecretManager(5))));
}

const serial = median(times.serial);
for (const [what, figure, atMost] of [
  ['read one by one', median(times.parallel), 0.1],
  ['read in batches of 20', median(times.batched), 0.06],
]) {
  report('G8', {
    what: `start with ${names.length} secrets at 5 ms, ${what}`,
    figure: `${figure.toFixed(0)} ms`,
    limit: `in sequence ${serial.toFixed(0)} ms`,
    ratio: figure / serial,
    atMost,
  });
}

async function startWith(manager) {
  const { app } = await start(manager, { preload: names });
  await app.close();
}

async function readOneByOne(manager) {
  for (const name of names) await manager.readSecret(name);
}

async function timeOf(work) {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
