import { spawnSync } from 'node:child_process';
import { start } from './support/application.mjs';
import { startHttpStore } from './support/http-store.mjs';
import { HttpSecretManager } from './support/http.secret-manager.mjs';
import { median, report } from './support/measure.mjs';
import { pin } from './support/pinned.mjs';

const ROUNDS = 11;
const WARM_UP_READS = 2_000;

const isPinned = pin();
const store = await startHttpStore();
const manager = new HttpSecretManager(store.address);
const { app, secrets } = await start(manager, { cache: false });
const readBySynckit = await import('./peers/synckit.mjs').then(
  ({ readBySynckit }) => readBySynckit,
  () => undefined, // not installed: npm ci --prefix bench/peers
);
const hasCurl = spawnSync('curl', ['--version']).status === 0;

const ways = {
  async: (name) => secrets.get(name),
  sync: (name) => secrets.getSync(name),
  ...(readBySynckit && { synckit: (name) => readBySynckit(`${store.address}/${name}`) }),
  ...(hasCurl && { curl: (name) => spawnSync('curl', ['-s', `${store.address}/${name}`]) }),
};

for (const name of ['async', 'sync', 'synckit']) {
  for (let read = 0; read < WARM_UP_READS && ways[name]; read++) await ways[name]('0/NAME');
}
for (const [latencyMs, reads, atMost] of [
  [0, 500, 1.6],
  [5, 40, 1.1],
]) {
  const p50 = await measure(`${latencyMs}/NAME`, reads);
  report('G4', {
    what: `getSync(name) over HTTP at ${latencyMs} ms, not cached${isPinned ? '' : ', not pinned'}`,
    figure: us(p50.sync),
    limit: `await get(name) ${us(p50.async)}`,
    ratio: p50.sync / p50.async,
    atMost,
  });
  for (const peer of ['synckit', 'curl'].filter((name) => p50[name] !== undefined)) {
    console.log(`      ${peer}: ${us(p50[peer])}: ${(p50[peer] / p50.async).toFixed(2)} x`);
  }
}
await app.close();
store.stop();

/** Returns the median of the medians of the rounds. */
async function measure(name, reads) {
  const rounds = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [way, read] of Object.entries(ways)) {
      const times = [];
      for (let index = 0; index < (way === 'curl' ? 3 : reads); index++) {
        const startedAt = performance.now();
        await read(name);
        times.push(performance.now() - startedAt);
      }
      rounds[way].push(median(times));
    }
  }
  return Object.fromEntries(Object.entries(rounds).map(([way, times]) => [way, median(times)]));
}

function us(ms) {
  return `${(ms * 1_000).toFixed(0)} us`;
}
