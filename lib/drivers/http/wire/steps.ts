import { pause } from '../../../core/calls/waiting';
import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import {
  SecretManagerError,
  type OperationContext,
} from '../../../core/errors/secret-manager.error';

/**
 * A sequence of requests that runs asynchronously or blocking. The generator yields each request and receives its
 * answer. A request that fails throws inside the generator.
 */
export type Steps<Outcome, Request, Answer> = Generator<Request | Work<void>, Outcome, Answer>;

/** Work beside the requests: an asynchronous run waits for it, and a blocking one does it at once. */
export interface Work<Outcome> {
  readonly wait: () => Promise<Outcome>;
  readonly block: () => Outcome;
}

/** Does the work in the way of the run. */
export function* waitOrBlock<Outcome>({
  wait,
  block,
}: Work<Outcome>): Generator<Work<void>, Outcome, unknown> {
  let outcome = (): Outcome => {
    throw new Error('The work was not done.');
  };
  const keep = (value: Outcome): void => void (outcome = () => value);
  yield { wait: async () => keep(await wait()), block: () => keep(block()) };
  return outcome();
}

/** Waits between two requests of a write. Throws `UNSUPPORTED` in a blocking run, because a write never blocks. */
export function paused(
  delayMs: number,
  options: OperationOptions,
  context: OperationContext,
): Generator<Work<void>, void, unknown> {
  return waitOrBlock({
    wait: () => pause(delayMs, options, context),
    block: () => {
      throw new SecretManagerError('UNSUPPORTED', 'A write does not block.', context);
    },
  });
}

export async function run<Outcome, Request extends object, Answer>(
  steps: Steps<Outcome, Request, Answer>,
  send: (request: Request) => Promise<Answer>,
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

export function runSync<Outcome, Request extends object, Answer>(
  steps: Steps<Outcome, Request, Answer>,
  send: (request: Request) => Answer,
): Outcome {
  let step = steps.next();
  while (!step.done) {
    let answer: [Answer] | [];
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

async function take<Request extends object, Answer>(
  step: Request | Work<void>,
  send: (request: Request) => Promise<Answer>,
): Promise<[Answer] | []> {
  if (!isWork(step)) return [await send(step)];
  await step.wait();
  return [];
}

function takeSync<Request extends object, Answer>(
  step: Request | Work<void>,
  send: (request: Request) => Answer,
): [Answer] | [] {
  if (!isWork(step)) return [send(step)];
  step.block();
  return [];
}

function isWork<Request extends object>(step: Request | Work<void>): step is Work<void> {
  return 'block' in step;
}
