import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { VaultSecretManager } from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { Pool } from 'undici';
import { start } from './support/application.mjs';
import { compare, report } from './support/measure.mjs';
import { pin } from './support/pinned.mjs';

const IN_FLIGHT = [1, 10, 100];
const SECRETS = 1_000; // more than the reads in flight, so that no two reads share a call
const CONNECTIONS = 10; // the limit of the manager
const TOKEN = 's.bench';
const WARM_UP = 10_000; // reads before the measurement, so that V8 has compiled the code

const isPinned = pin();
const server = fork(new URL('support/kv-server.mjs', import.meta.url));
const [port] = await once(server, 'message');
const address = `http://127.0.0.1:${port}`;

const auth = { method: 'approle', roleId: 'role', secretId: 'secret' };
const { app, secrets } = await start(new VaultSecretManager({ address, auth }), { cache: false });
const pool = new Pool(address, { connections: CONNECTIONS });
const nodeVault = peer('node-vault')({ endpoint: address, token: TOKEN });
const headers = { 'x-vault-request': 'true', 'x-vault-token': TOKEN }; // the limit of the manager

// The peers come after: their garbage must not slow down a measured read.
const ours = await measured(
  { pool: readWithPool, get: (name) => secrets.get(name) },
  { batch: 2_000, rounds: 41 },
);
const peers = await measured(
  { fetch: readWithFetch, nodeVault: readWithNodeVault },
  { batch: 250, rounds: 9 },
);

IN_FLIGHT.forEach((inFlight, at) => {
  const { pool, get } = ours[at];
  const { fetch, nodeVault } = peers[at];
  report('G3', {
    what: `read over HTTP, everything on, ${inFlight} in flight${isPinned ? '' : ', not pinned'}`,
    figure: microseconds(get),
    limit: `pool.request ${microseconds(pool)} (fetch ${microseconds(fetch)}, node-vault ${microseconds(nodeVault)})`,
    ratio: get / pool,
    atMost: 1.1, // a simpler form that costs up to a tenth is the right one
  });
});

await Promise.all([app.close(), pool.close()]);
server.disconnect();

async function readWithPool(name) {
  const path = `/v1/secret/data/${name}`;
  const { body } = await pool.request({ path, method: 'GET', headers });
  return (await body.json()).data.data.value;
}

async function readWithFetch(name) {
  const response = await fetch(`${address}/v1/secret/data/${name}`, { headers });
  return (await response.json()).data.data.value;
}

async function readWithNodeVault(name) {
  return (await nodeVault.read(`secret/data/${name}`)).data.data.value;
}

/** Resolves to the time of a read for each reader, at every number in flight. */
async function measured(readers, effort) {
  for (const read of Object.values(readers)) await readMany(read, WARM_UP, 10);
  const times = [];
  for (const inFlight of IN_FLIGHT) {
    const candidates = Object.entries(readers).map(([name, read]) => [
      name,
      (reads) => readMany(read, reads, inFlight),
    ]);
    times.push(await compare(Object.fromEntries(candidates), effort));
  }
  return times;
}

/** Makes `reads` reads, `inFlight` at a time, each of another secret. */
async function readMany(read, reads, inFlight) {
  let next = 0;
  const readOn = async () => {
    while (next < reads) {
      const value = await read(`SECRET_${next++ % SECRETS}`);
      if (value?.length !== 44) throw new Error('the value was not read');
    }
  };
  await Promise.all(Array.from({ length: inFlight }, readOn));
}

function peer(name) {
  return createRequire(new URL('peers/package.json', import.meta.url))(name);
}

function microseconds(nanoseconds) {
  return `${(nanoseconds / 1_000).toFixed(0)} us`;
}
