import fc from 'fast-check';
import type { SecretManagerErrorCode } from 'nestjs-custom-secret-manager';
import { run, type Command, type Schedule } from './model';

/** The number of runs: 300 by default; `MODEL_RUNS=100000 npx jest test/model` for the full test. */
const RUNS = Number(process.env.MODEL_RUNS ?? 300);
/** The seed. Without one, each run has other schedules. */
const SEED = process.env.MODEL_SEED === undefined ? {} : { seed: Number(process.env.MODEL_SEED) };

const name = fc.constantFrom('A', 'B', 'C', 'D');
const failure = fc.constantFrom<SecretManagerErrorCode | undefined>(
  undefined,
  undefined,
  undefined,
  'UNAVAILABLE',
  'TIMEOUT',
  'THROTTLED',
  'ACCESS_DENIED',
  'UNAUTHENTICATED',
  'MALFORMED',
  'UNKNOWN',
);

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('get' as const), name }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('get' as const),
      name,
      maxAgeMs: fc.constant(0 as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('get' as const),
      name,
      maxAgeMs: fc.constant(undefined),
      abortAfterMs: fc.constantFrom(undefined, 1, 5, 30),
      timeoutMs: fc.constantFrom(undefined, 3, 20),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('getSync', 'delete', 'refresh', 'invalidate', 'remove'),
      name,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('set', 'set', 'put'), name }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('putAgain', 'listen', 'listen', 'listen', 'stopListening'),
      name,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('getMany' as const),
      names: fc.uniqueArray(name, { minLength: 1 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('weather' as const),
      latencyMs: fc.constantFrom(2, 10, 60, 60, 200, 1_000),
      writeLatencyMs: fc.constantFrom(2, 2, 10, 60, 200, 1_000),
      readsAfter: fc.constantFrom(0 as const, 0.5 as const),
      failure,
      failsFor: fc.constantFrom(undefined, undefined, 'A'),
      lagMs: fc.constantFrom(0, 0, 0, 150),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('suspend' as const),
      byMs: fc.constantFrom(200, 900, 5_000),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      byMs: fc.constantFrom(1, 3, 20, 60, 150, 400, 950, 1_100, 3_500),
    }),
  },
);

/** Reads before, during and after a write. Chance alone would rarely combine the three. */
const race: fc.Arbitrary<readonly Command[]> = fc
  .tuple(name, fc.constantFrom(1, 3, 20))
  .map(([raced, byMs]) => [
    { do: 'get', name: raced, maxAgeMs: 0 },
    { do: 'set', name: raced },
    { do: 'advance', byMs },
    { do: 'get', name: raced, maxAgeMs: 0 },
  ]);

/** A write with a lagging replica, and a read after it. Chance alone would rarely let the read come in time. */
const lag: fc.Arbitrary<readonly Command[]> = fc
  .tuple(name, fc.boolean(), fc.constantFrom(1, 3, 20))
  .map(([written, isKnown, byMs]) => [
    {
      do: 'weather',
      latencyMs: 2,
      writeLatencyMs: 2,
      readsAfter: 0,
      failure: undefined,
      lagMs: 150,
    },
    ...(isKnown
      ? [{ do: 'get', name: written } as const, { do: 'advance', byMs: 200 } as const]
      : []),
    { do: 'set', name: written },
    { do: 'advance', byMs },
    { do: 'get', name: written, maxAgeMs: 0 },
    { do: 'getMany', names: [written] },
    { do: 'advance', byMs: 400 },
    { do: 'get', name: written },
  ]);

/** A read that is in flight when the secret changes, and one that must not be answered by it. */
const outdated: fc.Arbitrary<readonly Command[]> = fc
  .tuple(name, fc.boolean())
  .map(([changed, isInvalidated]) => [
    { do: 'weather', latencyMs: 60, writeLatencyMs: 2, readsAfter: 0, failure: undefined },
    { do: 'invalidate', name: changed },
    { do: 'get', name: changed },
    { do: 'advance', byMs: 3 },
    { do: 'put', name: changed },
    ...(isInvalidated
      ? ([
          { do: 'invalidate', name: changed },
          { do: 'get', name: changed },
        ] as const)
      : ([
          { do: 'advance', byMs: 1 },
          { do: 'get', name: changed, maxAgeMs: 0 },
        ] as const)),
    { do: 'advance', byMs: 400 },
  ]);

/** Two overlapping writes: the first to begin ends last. Chance alone would rarely cross them. */
const overlap: fc.Arbitrary<readonly Command[]> = fc
  .tuple(name, fc.constantFrom(45, 60, 100))
  .map(([written, settleMs]) => [
    { do: 'weather', latencyMs: 2, writeLatencyMs: 60, readsAfter: 0, failure: undefined },
    { do: 'set', name: written },
    { do: 'advance', byMs: 29 },
    { do: 'weather', latencyMs: 2, writeLatencyMs: 10, readsAfter: 0, failure: undefined },
    { do: 'set', name: written },
    { do: 'advance', byMs: settleMs },
    { do: 'get', name: written },
  ]);

const commands: fc.Arbitrary<readonly Command[]> = fc
  .array(
    fc.oneof(
      { weight: 20, arbitrary: command.map((single) => [single]) },
      { weight: 1, arbitrary: race },
      { weight: 1, arbitrary: lag },
      { weight: 1, arbitrary: outdated },
      { weight: 1, arbitrary: overlap },
    ),
    { minLength: 5, maxLength: 40, size: 'max' },
  )
  .map((parts) => parts.flat());

const schedule: fc.Arbitrary<Schedule> = fc.record({
  batches: fc.boolean(),
  pinned: fc.constantFrom([], [], ['A']),
  commands,
  seed: fc.integer(),
});

beforeAll(() => {
  Error.stackTraceLimit = 0; // jest maps each frame of each error to its source
});

describe('The pipeline, with a store that fails, delays and changes', () => {
  it(
    'keeps its promises in every order of events',
    async () => {
      let runs = 0;

      await fc.assert(
        fc.asyncProperty(schedule, async (given) => {
          runs += 1;
          await run(given);
        }),
        { numRuns: RUNS, ...SEED },
      );

      expect(runs).toBeGreaterThanOrEqual(RUNS);
      process.stdout.write(`${runs} schedules\n`);
    },
    RUNS * 50 + 60_000,
  );
});
