import { percentile } from '../traffic.mjs';

/** The tolerance of the bound in ms: one read of the store, and processes that wait for a busy machine. */
const TOLERANCE_MS = 1_000;

const TITLES = { nats: 'NATS', valkey: 'Valkey', postgres: 'PostgreSQL' };

const COLUMNS = [
  ['broker', ({ kind }) => TITLES[kind]],
  ['changes', ({ changes }) => changes],
  ['p50 ms', ({ latenciesMs }) => latency(latenciesMs, 0.5)],
  ['p99 ms', ({ latenciesMs }) => latency(latenciesMs, 0.99)],
  ['lost', ({ lost }) => lost],
  ['stale ms', ({ stalestMs }) => duration(stalestMs.connected)],
  ['killed', ({ stalestMs }) => duration(stalestMs.killed)],
  ['frozen', ({ stalestMs }) => duration(stalestMs.frozen)],
  ['restarted', ({ stalestMs }) => duration(stalestMs.restarted)],
  ['bound', ({ boundMs }) => `${duration(boundMs)} + a read`],
  ['forged', ({ sent }) => sent],
  ['accepted', ({ accepted }) => accepted],
  ['reads a change', ({ readsPerChange }) => readsPerChange.toFixed(2)],
];

export const HEADER = line(COLUMNS.map(([title]) => title));

export function rowOf(found) {
  return line(COLUMNS.map(([, content]) => String(content(found))));
}

/** Returns a sentence for each broken promise. */
export function brokenPromises(found) {
  const { lost, cutOff, accepted, stalestMs, boundMs, readsPerChange, instances } = found;
  const tooStale = Object.entries(stalestMs).filter(([, ms]) => ms > boundMs + TOLERANCE_MS);
  return [
    ...(lost > 0 ? [`${lost} changes were lost.`] : []),
    ...(cutOff > 0 ? [`${cutOff} instances did not reconnect within 30 s.`] : []),
    ...(accepted > 0 ? [`${accepted} forged messages were not refused.`] : []),
    ...tooStale.map(
      ([outage, ms]) => `a value was served ${duration(ms)} ms after its change: ${outage}.`,
    ),
    ...(readsPerChange > instances ? ['the store was read more than once per instance.'] : []),
  ];
}

function latency(latenciesMs, share) {
  const answers = latenciesMs.map((ms) => ({ ms }));
  return percentile(answers, share);
}

function duration(ms) {
  return ms === undefined ? '-' : Math.round(ms);
}

function line(cells) {
  return cells
    .map((cell, at) => cell.padEnd(widthOf(COLUMNS[at][0])))
    .join('  ')
    .trimEnd();
}

function widthOf(title) {
  return Math.max(title.length, 10);
}
