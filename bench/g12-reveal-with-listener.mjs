import { SlowSecretManager, start } from './support/application.mjs';
import { compare, report } from './support/measure.mjs';

/** Two applications, because a listener concerns its whole registration. */
const [plain, heard] = [await startWithHandle(), await startWithHandle()];
heard.handle.onChange(() => undefined);
let length = 0;

const revealOf =
  ({ handle }) =>
  async (calls) => {
    for (let call = 0; call < calls; call++) length += handle.reveal().length;
  };
const times = await compare(
  { without: revealOf(plain), with: revealOf(heard) },
  { batch: 2_000_000, rounds: 25 },
);
await Promise.all([plain.app.close(), heard.app.close()]);
if (length === 0) throw new Error('nothing was revealed');

report('G12', {
  what: 'reveal() with a listener',
  figure: `${times.with.toFixed(1)} ns`,
  limit: `reveal() without ${times.without.toFixed(1)} ns`,
  ratio: times.with / times.without,
  atMost: 1.05,
});

async function startWithHandle() {
  const { app, secrets } = await start(new SlowSecretManager(0), { preload: ['SECRET'] });
  return { app, handle: secrets.secret('SECRET') };
}
