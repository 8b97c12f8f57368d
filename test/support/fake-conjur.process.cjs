// Runs the fake of Conjur in a process of its own, for synchronous reads. Each message sets its state.
require('./register-typescript.cjs');
const { FakeConjur } = require('./fake-conjur.ts');

const conjur = new FakeConjur();
process.on('message', ({ reset, keep }) => {
  if (reset) conjur.reset();
  for (const [id, value] of keep ?? []) conjur.keep(id, value);
  process.send('done');
});
process.on('disconnect', () => process.exit());
conjur.start().then(() => process.send(conjur.address));
