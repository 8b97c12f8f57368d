import { SlowSecretManager, start } from './support/application.mjs';
import { compare, report } from './support/measure.mjs';

const names = Array.from({ length: 64 }, (_, index) => `SECRET_${index}`);
const manager = new SlowSecretManager(0);
const { app, secrets } = await start(manager, { preload: names });
const map = new Map(names.map((name) => [name, manager.valueOf(name)]));
const atMost = Number(process.versions.node.split('.')[0]) >= 26 ? 1.5 : 1.2;
let length = 0;

const times = await compare(
  {
    map: async (calls) => {
      for (let index = 0; index < calls; index++)
        length += (await map.get(names[index & 63])).length;
    },
    get: async (calls) => {
      for (let index = 0; index < calls; index++)
        length += (await secrets.get(names[index & 63])).length;
    },
    getWithDefault: async (calls) => {
      const options = { default: '' };
      for (let index = 0; index < calls; index++) {
        length += (await secrets.get(names[index & 63], options)).length;
      }
    },
  },
  { batch: 200_000, rounds: 25 },
);
await app.close();
if (length === 0) throw new Error('nothing was read');

for (const [what, time] of [
  ['await get(name), cached', times.get],
  ['await get(name, { default }), cached', times.getWithDefault],
]) {
  report('G2', {
    what,
    figure: `${time.toFixed(1)} ns`,
    limit: `await map.get(name) ${times.map.toFixed(1)} ns`,
    ratio: time / times.map,
    atMost,
  });
}
