/**
 * Runs a fleet of processes over real brokers, and reports how long a change takes to the last of them, connected and
 * cut off. Exits with 1 for a broken promise. It starts its own brokers, store and instances on 127.0.0.1.
 *
 * node test/load/fleet.mjs [--short] [nats] [valkey] [postgres]
 *
 * FLEET_INSTANCES, FLEET_CHANGES, FLEET_CUTS and FLEET_FORGED are the sizes for each broker.
 */
import { loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { Fleet } from './fleet/fleet.mjs';
import { forge } from './fleet/forgeries.mjs';
import { OUTAGES } from './fleet/outages.mjs';
import { brokenPromises, HEADER, rowOf } from './fleet/report.mjs';
import { traffic } from './traffic.mjs';

const PER_SECOND = 10;
const DISCONNECTED_TTL_MS = 2_000;
const KINDS = ['nats', 'valkey', 'postgres'];

const given = process.argv.slice(2);
const isShort = given.includes('--short');
const [instances, changes, cuts, forged] = [
  size('INSTANCES', 6, 20),
  size('CHANGES', 60, 10_000),
  size('CUTS', 2, 100),
  size('FORGED', 5_000, 1_000_000),
];

console.log(`${instances} instances, load ${loadavg()[0].toFixed(1)}`);
console.log(HEADER);
for (const kind of KINDS.filter((kind) => given.includes(kind) || !given.some(isKind))) {
  const found = await measure(kind);
  console.log(rowOf(found));
  const broken = brokenPromises(found);
  for (const problem of broken) console.log(`BROKEN  ${kind}: ${problem}`);
  if (broken.length > 0) process.exitCode = 1;
}
console.log(`load ${loadavg()[0].toFixed(1)}`);

async function measure(kind) {
  const fleet = await Fleet.start(kind, { instances, disconnectedTtlMs: DISCONNECTED_TTL_MS });
  try {
    const connected = await whileConnected(fleet);
    const { sent, accepted } = await forge(fleet, forged);
    const stalestMs = {
      connected: connected.stalestMs,
      ...(await whileCut(fleet, KINDS.indexOf(kind))),
    };
    const {
      cutOff,
      ledger: { lost },
    } = fleet;
    const boundMs = (4 / 3) * DISCONNECTED_TTL_MS;
    return { kind, instances, ...connected, sent, accepted, stalestMs, lost, cutOff, boundMs };
  } finally {
    await fleet.stop();
  }
}

async function whileConnected(fleet) {
  fleet.ledger.takeLatencies();
  const before = await fleet.reads();
  await traffic(PER_SECOND, changes / PER_SECOND, () => fleet.change());
  await fleet.settle();
  const reads = (await fleet.reads()) - before;
  const [latenciesMs, stalestMs] = [fleet.ledger.takeLatencies(), fleet.ledger.takeStalest()];
  return { changes, latenciesMs, stalestMs, readsPerChange: reads / changes };
}

/** Changes secrets in each outage. Resolves to the longest staleness in ms for each kind of outage. */
async function whileCut(fleet, first) {
  const stalestMs = {};
  const kinds = Object.keys(OUTAGES);
  for (let cut = 0; cut < cuts; cut++) {
    const kind = kinds[(first + cut) % kinds.length];
    const holdMs = DISCONNECTED_TTL_MS * (1.5 + Math.random() / 4);
    let isOver = false;
    const outage = OUTAGES[kind](fleet.broker, holdMs).finally(() => (isOver = true));
    while (!isOver) {
      await Promise.all([fleet.change(), pause(1_000 / PER_SECOND)]);
    }
    await outage;
    await fleet.settle();
    stalestMs[kind] = Math.max(stalestMs[kind] ?? 0, fleet.ledger.takeStalest());
  }
  return stalestMs;
}

function size(name, short, full) {
  const value = Number(process.env[`FLEET_${name}`] ?? (isShort ? short : full));
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`FLEET_${name} must be a whole number, 1 or more.`);
}

function isKind(argument) {
  return KINDS.includes(argument);
}
