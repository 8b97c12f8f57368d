/** The ways in which a broker goes away, and comes back. */
import { setTimeout as pause } from 'node:timers/promises';

const RESTARTS = 3;

/** Each leaves the broker running. `holdMs` is the length of an outage. */
export const OUTAGES = {
  killed: async (broker, holdMs) => {
    await broker.kill();
    await pause(holdMs);
    await broker.start();
  },
  frozen: async (broker, holdMs) => {
    await broker.freeze();
    await pause(holdMs);
    await broker.thaw();
  },
  restarted: async (broker) => {
    for (let restart = 1; restart <= RESTARTS; restart++) {
      await broker.kill();
      await pause(Math.random() * 300);
      await broker.start();
      await pause(Math.random() * 500);
    }
  },
};
