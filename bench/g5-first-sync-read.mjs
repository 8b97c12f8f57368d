import { execFileSync } from 'node:child_process';
import { startHttpStore } from './support/http-store.mjs';
import { median, report } from './support/measure.mjs';

const ROUNDS = 9;
const store = await startHttpStore();

/** Returns the time of the first read of a new process in milliseconds, a moment after its application started. */
function firstRead(way) {
  const script = `
    import { start } from './support/application.mjs';
    import { HttpSecretManager } from './support/http.secret-manager.mjs';
    const manager = new HttpSecretManager(${JSON.stringify(store.address)});
    if (${way === 'started ahead'}) manager.start();
    const { app, secrets } = await start(manager);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const startedAt = performance.now();
    ${way === 'async' ? 'await secrets.get' : 'secrets.getSync'}('0/NAME');
    console.log(performance.now() - startedAt);
    await app.close();
  `;
  const flags = ['--no-warnings', '--input-type=module', '-e', script];
  return Number(execFileSync(process.execPath, flags, { cwd: import.meta.dirname }));
}

const times = { async: [], 'started ahead': [], 'started by it': [] };
for (let round = 0; round < ROUNDS; round++) {
  for (const [way, kept] of Object.entries(times)) kept.push(firstRead(way));
}
store.stop();

const async = median(times.async);
const ahead = median(times['started ahead']);
report('G5', {
  what: 'the first getSync(name) over HTTP, worker started ahead',
  figure: `${ahead.toFixed(1)} ms`,
  limit: `the first await get(name) ${async.toFixed(1)} ms`,
  ratio: ahead / async,
  atMost: 1.5,
});
console.log(`      worker started by it: ${median(times['started by it']).toFixed(1)} ms`);
