/** One instance of the fleet: an application on the store that records when it serves which value. */
import { setTimeout as pause } from 'node:timers/promises';
import { start } from '../../../bench/support/application.mjs';
import { serveParent, sharedNow } from './child.mjs';
import { transportOf } from './clients.mjs';
import { HttpStoreSecretManager } from './http-store.secret-manager.mjs';
import { ServedValues } from './served-values.mjs';

const DAY_MS = 86_400_000;
const KEPT_MESSAGES = 20;

const { broker, store, names, key, disconnectedTtlMs } = JSON.parse(process.env.FLEET_SETUP);
const published = [];
const { secrets } = await start(new HttpStoreSecretManager(store), {
  settings: { accessMode: 'read_and_write' },
  preload: names,
  cache: { ttlMs: DAY_MS },
  fleet: { transport: recorded(transportOf(broker)), key, disconnectedTtlMs, spreadMs: 0 },
});
const served = new ServedValues(secrets, names);
served.start();

serveParent({
  set: async ({ name, value }) => {
    const at = sharedNow();
    const { announced = true } = await secrets.set(name, value);
    return { at, isAnnounced: announced };
  },
  connected: async () => {
    while (secrets.fleet.state !== 'connected') await pause(10);
    return { at: sharedNow() };
  },
  served: () => ({ spans: served.take() }),
  status: () => ({ status: secrets.fleet, published }),
});
process.send({ pid: process.pid });

/** Returns a transport that keeps the last messages that it has published, for replays. */
function recorded(transport) {
  return {
    subscribe: (on, options) => transport.subscribe(on, options),
    publish: async (message) => {
      await transport.publish(message);
      published.push(Buffer.from(message).toString('base64'));
      if (published.length > KEPT_MESSAGES) published.shift();
    },
  };
}
