import type { VaultAnswer } from './request-handler';
import type { VaultRequest } from './vault-request';

/**
 * A sequence of requests that runs asynchronously or blocking. The generator yields each request and receives its
 * answer.
 */
export type Steps<Outcome> = Generator<VaultRequest, Outcome, VaultAnswer>;

export async function run<Outcome>(
  steps: Steps<Outcome>,
  send: (request: VaultRequest) => Promise<VaultAnswer>,
): Promise<Outcome> {
  try {
    let step = steps.next();
    while (!step.done) step = steps.next(await send(step.value));
    return step.value;
  } finally {
    steps.return(undefined as Outcome); // runs the `finally` blocks after a failed request
  }
}

export function runSync<Outcome>(
  steps: Steps<Outcome>,
  send: (request: VaultRequest) => VaultAnswer,
): Outcome {
  try {
    let step = steps.next();
    while (!step.done) step = steps.next(send(step.value));
    return step.value;
  } finally {
    steps.return(undefined as Outcome);
  }
}
