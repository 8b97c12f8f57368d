/** Floods a gateway with made-up keys from its own thread, so that it does not slow down the measurement. */
import { parentPort, workerData } from 'node:worker_threads';
import { Pool } from 'undici';
import { madeUp, traffic } from './traffic.mjs';

const { url, perSecond, seconds } = workerData;
const connections = new Pool(url, { connections: 64 });
const counts = new Map();
const startedAt = performance.now();

await traffic(perSecond, seconds, async (at) => {
  const headers = { authorization: madeUp(at) };
  const { statusCode, body } = await connections.request({
    method: 'GET',
    path: '/v1/models',
    headers,
  });
  await body.dump();
  counts.set(statusCode, (counts.get(statusCode) ?? 0) + 1);
});
const tookS = (performance.now() - startedAt) / 1_000;
await connections.destroy();
parentPort.postMessage({ counts, tookS });
