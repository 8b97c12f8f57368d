import { performance } from 'node:perf_hooks';
import { InMemoryBus, InMemoryTransport } from 'nestjs-custom-secret-manager/testing';
import { SlowSecretManager, start } from './support/application.mjs';
import { compare, report } from './support/measure.mjs';

const KEY = 'the-key-of-the-fleet-of-this-benchmark';
const MESSAGES = 10_000;
const NAMES = 10_000;

await hitsInAFleet();
await receivedMessages();
await manyNamesAtOnce();

/** G1 and G2 hold in a fleet: a hit costs what it costs without one. */
async function hitsInAFleet() {
  const bus = new InMemoryBus();
  const [alone, inFleet] = [await startInstance(undefined), await startInstance(bus)];
  let length = 0;
  const getSyncOf =
    ({ secrets }) =>
    async (calls) => {
      for (let call = 0; call < calls; call++) length += secrets.getSync('SECRET').length;
    };
  const getOf =
    ({ secrets }) =>
    async (calls) => {
      for (let call = 0; call < calls; call++) length += (await secrets.get('SECRET')).length;
    };
  for (const [what, measured, batch] of [
    ['getSync() of a cached secret', getSyncOf, 2_000_000],
    ['get() of a cached secret', getOf, 500_000],
  ]) {
    const times = await compare(
      { alone: measured(alone), inFleet: measured(inFleet) },
      { batch, rounds: 15 },
    );
    report('G15', {
      what: `${what} in a fleet`,
      figure: `${times.inFleet.toFixed(1)} ns`,
      limit: `without one ${times.alone.toFixed(1)} ns`,
      ratio: times.inFleet / times.alone,
      atMost: 1.05,
    });
  }
  if (length === 0) throw new Error('nothing was read');
  await Promise.all([alone.app.close(), inFleet.app.close()]);
}

/** The time that an instance takes for a message about a secret that it does not hold. */
async function receivedMessages() {
  const messages = [];
  const sender = await startWith({
    publish: async (message) => void messages.push(Uint8Array.from(message)),
    subscribe: async (on) => {
      queueMicrotask(() => on.connected());
      return async () => undefined;
    },
  });
  for (let message = 0; message < MESSAGES; message++) {
    sender.secrets.announce([`OTHER_${message}`]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await eventually(() => messages.length >= MESSAGES);
  let receive = () => undefined;
  const receiver = await startWith({
    publish: async () => undefined,
    subscribe: async (on) => {
      receive = (message) => on.message(message);
      queueMicrotask(() => on.connected());
      return async () => undefined;
    },
  });
  const warmUp = messages.splice(0, MESSAGES / 2);
  for (const message of warmUp) receive(message);
  const startedAt = performance.now();
  for (const message of messages) receive(message);
  const microseconds = ((performance.now() - startedAt) / messages.length) * 1_000;
  if (receiver.secrets.fleet.received < MESSAGES) throw new Error('not every message was accepted');
  report('G15', {
    what: 'a received message',
    figure: `${microseconds.toFixed(1)} us`,
    limit: 'the limit of 20 us',
    ratio: microseconds / 20,
    atMost: 1,
  });
  await Promise.all([sender, receiver].map(({ app }) => app.close()));
}

/** The longest block of the event loop while all secrets are expired, here and in another instance. */
async function manyNamesAtOnce() {
  const bus = new InMemoryBus();
  const names = Array.from({ length: NAMES }, (_, index) => `SECRET_${index}`);
  const [one, other] = [await startInstance(bus), await startInstance(bus)];
  for (const { secrets } of [one, other]) await secrets.getMany(names);
  one.secrets.announce(names.slice(0, NAMES / 10)); // warms up
  await eventually(() => one.secrets.fleet.pending === 0);
  let longest = 0;
  let isRunning = true;
  const watch = (last) =>
    setImmediate(() => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      if (isRunning) watch(now);
    });
  watch(performance.now());
  one.secrets.announce(names);
  await eventually(() => one.secrets.fleet.pending === 0);
  isRunning = false;
  report('G15', {
    what: `the longest block of the event loop, for ${NAMES} names at once`,
    figure: `${longest.toFixed(1)} ms`,
    limit: 'the limit of 50 ms',
    ratio: longest / 50,
    atMost: 1,
  });
  await Promise.all([one.app.close(), other.app.close()]);
}

function startInstance(bus) {
  return startWith(bus && new InMemoryTransport(bus));
}

function startWith(transport) {
  const fleet = transport && { transport, key: KEY };
  return start(new SlowSecretManager(0), { preload: ['SECRET'], fleet });
}

async function eventually(isTrue) {
  const startedAt = performance.now();
  while (!isTrue()) {
    if (performance.now() - startedAt > 20_000) throw new Error('it takes too long');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
