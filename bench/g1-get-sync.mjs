import { SlowSecretManager, start } from './support/application.mjs';
import { compare, report } from './support/measure.mjs';

const names = Array.from({ length: 64 }, (_, index) => `SECRET_${index}`);
const manager = new SlowSecretManager(0);
const { app, secrets } = await start(manager, { preload: names });
const map = new Map(names.map((name) => [name, manager.valueOf(name)]));
let length = 0;

const times = await compare(
  {
    map: (calls) => {
      for (let index = 0; index < calls; index++) length += map.get(names[index & 63]).length;
    },
    getSync: (calls) => {
      for (let index = 0; index < calls; index++)
        length += secrets.getSync(names[index & 63]).length;
    },
  },
  { batch: 1_000_000 },
);
await app.close();
if (length === 0) throw new Error('nothing was read');

report('G1', {
  what: 'getSync(name), cached',
  figure: `${times.getSync.toFixed(1)} ns`,
  limit: `Map.get ${times.map.toFixed(1)} ns`,
  ratio: times.getSync / times.map,
  atMost: 1.5,
});
