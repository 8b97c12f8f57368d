/** The processes of one run: a broker, a store, and the instances. */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { startBroker } from './brokers.mjs';
import { Child, sharedNow } from './child.mjs';
import { Ledger } from './ledger.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const NAMES = Array.from({ length: 20 }, (_, at) => `SECRET_${at + 1}`);
const SETTLES_WITHIN_MS = 30_000;
const SAME_NAME_MS = 1_000;

export class Fleet {
  /** The number of instances that did not reconnect in time, summed up. */
  cutOff = 0;
  #store;
  #changedAt = new Map();
  /** The announcements of instances that were cut off when they wrote. */
  #announcing = [];

  static async start(kind, { instances, disconnectedTtlMs }) {
    const fleet = new Fleet();
    fleet.ledger = new Ledger(instances, NAMES);
    fleet.broker = await startBroker(kind);
    fleet.#store = new Child(here('store.process.mjs'));
    const { address: store } = await fleet.#store.ready();
    for (const name of NAMES) await request(`${store}/${name}`, { method: 'PUT', body: '0' });
    const { port, login } = fleet.broker;
    const key = randomBytes(32).toString('base64');
    const setup = { broker: { kind, port, login }, store, names: NAMES, key, disconnectedTtlMs };
    const env = { ...process.env, FLEET_SETUP: JSON.stringify(setup) };
    fleet.instances = Array.from(
      { length: instances },
      () => new Child(here('instance.process.mjs'), [], env),
    );
    await Promise.all(fleet.instances.map((instance) => instance.ready()));
    await fleet.settle();
    return fleet;
  }

  async stop() {
    await Promise.all(this.instances.map((instance) => instance.stop()));
    await Promise.all([this.#store.stop(), this.broker.stop()]);
  }

  /** Changes one secret on a random instance. The same secret is changed at most once a second. */
  async change() {
    const name = await this.#freeName();
    this.#changedAt.set(name, Infinity);
    const instance = oneOf(this.instances);
    const value = this.ledger.nextValue(name);
    const changed = await instance.ask({ action: 'set', name, value: String(value) });
    this.#changedAt.set(name, changed.at);
    this.ledger.changed(name, changed.at);
    if (changed.isAnnounced) return;
    const announced = instance.ask({ action: 'connected' });
    this.#announcing.push(
      announced.then(
        ({ at }) => this.ledger.announced(name, value, at),
        () => undefined, // it was cut off until its end
      ),
    );
  }

  /** Waits until all instances are connected and serve all changes. Counts what has not arrived after 30 s. */
  async settle() {
    const giveUpAt = sharedNow() + SETTLES_WITHIN_MS;
    for (;;) {
      await this.#collect();
      const statuses = await this.statuses();
      const cutOff = statuses.filter(({ status }) => status.state !== 'connected').length;
      if (cutOff === 0 && this.ledger.underway.length === 0) {
        await Promise.all(this.#announcing.splice(0));
        return;
      }
      if (sharedNow() > giveUpAt) {
        this.cutOff += cutOff;
        this.ledger.giveUp();
        return;
      }
      await pause(50);
    }
  }

  /** Resolves to the status of each instance, and to the messages that it has published. */
  statuses() {
    return Promise.all(this.instances.map((instance) => instance.ask({ action: 'status' })));
  }

  async reads() {
    const { reads } = await this.#store.ask({ action: 'reads' });
    return reads;
  }

  async #freeName() {
    for (;;) {
      const at = sharedNow();
      const free = NAMES.filter((name) => at - (this.#changedAt.get(name) ?? 0) >= SAME_NAME_MS);
      if (free.length > 0) return oneOf(free);
      await pause(20);
    }
  }

  async #collect() {
    const answers = await Promise.all(
      this.instances.map((instance) => instance.ask({ action: 'served' })),
    );
    answers.forEach(({ spans }, instance) => {
      for (const span of spans) this.ledger.served(instance, span);
    });
  }
}

function oneOf(list) {
  return list[Math.floor(Math.random() * list.length)];
}
