import { SlowSecretManager, start } from './support/application.mjs';
import { report } from './support/measure.mjs';

const READS = 10_000;

for (const keys of [1, 1_000]) {
  const manager = new SlowSecretManager(5);
  const { app, secrets } = await start(manager);

  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: READS }, (_, index) => secrets.get(`SECRET_${index % keys}`)),
  );
  const elapsedMs = performance.now() - startedAt;
  await app.close();

  report('G6', {
    what: `${READS} concurrent reads of ${keys} cold secrets at 5 ms`,
    figure: `${manager.calls} calls in ${elapsedMs.toFixed(0)} ms`,
    limit: `${keys} calls`,
    ratio: manager.calls / keys,
    atMost: 1,
  });
}
