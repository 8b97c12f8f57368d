/**
 * Floods the built sample application with made-up keys, and reports the effect on its customers. Exits with 1 for a broken
 * promise. It starts its own store and gateway on 127.0.0.1, and uses no other network.
 *
 * node test/load/gateway.mjs [seconds, default 60] [made-up keys a second, default 500]
 */
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { KvStore } from './kv-store.mjs';
import { SampleGateway } from './sample-gateway.mjs';
import { countOf, percentile, traffic } from './traffic.mjs';

const [seconds = 60, perSecond = 500] = process.argv.slice(2).map(Number);
const CUSTOMERS = 20;
const CUSTOMER_RATE = 20;
const GENERATED = 100;
const REFUSED_WITHIN_S = 61;
/** Tells whether the run is long enough to see a deleted key refused. */
const SEES_DELETION = seconds >= 60;
const BUCKET = { capacity: 100, perSecond: 20 };

const master = `Bearer sk-${randomUUID()}`;
const store = await new KvStore().start();
store.put('MASTER_KEY', master.slice('Bearer '.length));
const gateway = new SampleGateway();

try {
  await gateway.start({ STORE_ADDR: store.address, STORE_TOKEN: 'token' });
  process.exitCode = report(await run()) ? 0 : 1;
} finally {
  await gateway.stop();
  store.stop();
}

async function run() {
  const customers = await Promise.all(Array.from({ length: CUSTOMERS }, (_, at) => generate(at)));
  const deleted = await generate(0);
  const serve = (at) => complete(customers[at % CUSTOMERS]);
  await Promise.all([...customers, deleted].map(complete));
  const before = await traffic(CUSTOMER_RATE, Math.min(5, seconds), serve);
  const memoryBefore = gateway.memoryMb;

  const [flood, during, generated, refusedAfterS] = await Promise.all([
    inWorker({ url: gateway.url, perSecond, seconds }),
    traffic(CUSTOMER_RATE, seconds, serve),
    traffic(GENERATED / seconds, seconds, () => gateway.ask('POST', '/key/generate', master, {})),
    SEES_DELETION ? deletion(deleted) : undefined,
  ]);
  await Promise.all(customers.map(complete)); // each key was served recently
  const lookups = store.vainReads('gateway/keys/');
  store.stop();
  const outage = await traffic(CUSTOMER_RATE, Math.min(10, seconds), serve);
  const memoryMb = [memoryBefore, gateway.memoryMb];
  return { before, flood, during, generated, refusedAfterS, lookups, outage, memoryMb };
}

async function inWorker(workerData) {
  const worker = new Worker(new URL('./flood.worker.mjs', import.meta.url), { workerData });
  const [result] = await once(worker, 'message');
  return result;
}

/** Issues a key. Half of the customers choose their keys. */
async function generate(at) {
  const content = at % 2 ? { key: `sk-chosen-${randomUUID()}` } : {};
  const { status, text } = await gateway.ask('POST', '/key/generate', master, content);
  if (status !== 200) throw new Error(`No key was generated: status ${status}.`);
  return JSON.parse(text).key;
}

function complete(key) {
  const messages = [{ role: 'user', content: 'Good day' }];
  return gateway.ask('POST', '/v1/chat/completions', `Bearer ${key}`, { model: 'echo', messages });
}

/** Deletes the key on another instance. Resolves to the seconds until the gateway refuses it. */
async function deletion(key) {
  store.remove(recordOf(key));
  const startedAt = performance.now();
  const passedS = () => (performance.now() - startedAt) / 1_000;
  while (passedS() < REFUSED_WITHIN_S + 5) {
    const { status } = await complete(key);
    if (status !== 200) return passedS();
    await pause(250);
  }
  return Infinity;
}

function recordOf(key) {
  return `gateway/keys/${createHash('sha256').update(key).digest('hex')}`;
}

/** Prints a row for each promise, and returns whether all were kept. */
function report(found) {
  const { before, flood, during, generated, refusedAfterS, lookups, outage, memoryMb } = found;
  const { counts, tookS } = flood;
  const sent = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const [unknown, later] = [401, 429].map((status) => counts.get(status) ?? 0);
  const permitted = BUCKET.capacity + BUCKET.perSecond * tookS;
  const keptPace = tookS < seconds * 1.1; // latencies on a busy machine prove nothing
  const latency = (answers) =>
    `p50 ${percentile(answers, 0.5)} ms, p99 ${percentile(answers, 0.99)} ms`;
  const rows = [
    ['made-up keys', `${sent} in ${tookS.toFixed(0)} s`, true],
    [
      'of these refused',
      `${unknown + later} (401: ${unknown}, 429: ${later})`,
      unknown + later === sent,
    ],
    ['looked up in the store', `${lookups}, at most ${permitted.toFixed(0)}`, lookups <= permitted],
    ['customers before', latency(before), countOf(before, 200) === before.length],
    ['customers during the flood', latency(during), !keptPace || percentile(during, 0.99) < 1_000],
    [
      'of these served',
      `${countOf(during, 200)} of ${during.length}`,
      countOf(during, 200) === during.length,
    ],
    [
      '/key/generate',
      `${countOf(generated, 200)} of ${GENERATED}`,
      countOf(generated, 200) === GENERATED,
    ],
    [
      'deleted key refused after',
      SEES_DELETION ? `${refusedAfterS.toFixed(1)} s` : 'not measured: it takes a minute',
      !SEES_DELETION || refusedAfterS <= REFUSED_WITHIN_S,
    ],
    [
      'served in the outage after it',
      `${countOf(outage, 200)} of ${outage.length}`,
      countOf(outage, 200) === outage.length,
    ],
    [
      'memory',
      `${memoryMb.map((mb) => mb ?? '?').join(' -> ')} MB`,
      !(memoryMb[1] - memoryMb[0] > 200),
    ],
  ];
  for (const [title, text, isKept] of rows)
    console.log(`${isKept ? 'ok    ' : 'BROKEN'}  ${title.padEnd(30)}  ${text}`);
  return rows.every(([, , isKept]) => isKept);
}
