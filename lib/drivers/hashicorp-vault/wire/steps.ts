import type { VaultAnswer } from './request-handler';
import type { VaultRequest } from './vault-request';

/**
 * A sequence of requests that runs asynchronously or blocking. The generator yields each request and receives its
 * answer. A request that fails throws inside the generator.
 */
export type Steps<Outcome> = Generator<VaultRequest | Work<void>, Outcome, VaultAnswer>;

/** Work beside the requests: an asynchronous run waits for it, and a blocking one does it at once. */
export interface Work<Outcome> {
  readonly wait: () => Promise<Outcome>;
  readonly block: () => Outcome;
}

/** Does the work in the way of the run. */
export function* waitOrBlock<Outcome>({ wait, block }: Work<Outcome>): Steps<Outcome> {
  let outcome = (): Outcome => {
    throw new Error('The work was not done.');
  };
  const keep = (value: Outcome): void => void (outcome = () => value);
  yield { wait: async () => keep(await wait()), block: () => keep(block()) };
  return outcome();
}

export async function run<Outcome>(
  steps: Steps<Outcome>,
  send: (request: VaultRequest) => Promise<VaultAnswer>,
): Promise<Outcome> {
  let step = steps.next();
  while (!step.done) {
    step = await take(step.value, send).then(
      (answer) => steps.next(...answer),
      (error: unknown) => steps.throw(error),
    );
  }
  return step.value;
}

export function runSync<Outcome>(
  steps: Steps<Outcome>,
  send: (request: VaultRequest) => VaultAnswer,
): Outcome {
  let step = steps.next();
  while (!step.done) {
    let answer: [VaultAnswer] | [];
    try {
      answer = takeSync(step.value, send);
    } catch (error) {
      step = steps.throw(error);
      continue;
    }
    step = steps.next(...answer);
  }
  return step.value;
}

async function take(
  step: VaultRequest | Work<void>,
  send: (request: VaultRequest) => Promise<VaultAnswer>,
): Promise<[VaultAnswer] | []> {
  if (!isWork(step)) return [await send(step)];
  await step.wait();
  return [];
}

function takeSync(
  step: VaultRequest | Work<void>,
  send: (request: VaultRequest) => VaultAnswer,
): [VaultAnswer] | [] {
  if (!isWork(step)) return [send(step)];
  step.block();
  return [];
}

function isWork(step: VaultRequest | Work<void>): step is Work<void> {
  return 'block' in step;
}
