import { SlowSecretManager, start } from './support/application.mjs';
import { collect, report } from './support/measure.mjs';

const SECRETS = 100_000;
const GOAL_BYTES = 160;

const names = Array.from({ length: SECRETS }, (_, index) => `SECRET_${index}`);
const values = new Map(names.map((name, index) => [name, `value ${index}`])); // held before the measurement, so not counted
const manager = new SlowSecretManager(0, (name) => values.get(name));
const { app, secrets } = await start(manager, { cache: { maxEntries: SECRETS } });

const before = await heapUsed();
for (const name of names) await secrets.get(name);
const after = await heapUsed();
const kept = secrets.inspect().length;
await app.close();

if (kept !== SECRETS) throw new Error(`only ${kept} secrets are cached`);
const bytes = (after - before) / SECRETS;
report('G7', {
  what: `heap per cached secret, over its two strings, at ${SECRETS}`,
  figure: `${bytes.toFixed(0)} B`,
  limit: `${GOAL_BYTES} B`,
  ratio: bytes / GOAL_BYTES,
  atMost: 1,
});

async function heapUsed() {
  for (let round = 0; round < 5; round++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    collect();
  }
  return process.memoryUsage().heapUsed;
}
