import type { VaultAnswer } from './request-handler';
import type { VaultRequest } from './vault-request';

/** Something that takes several requests, whoever carries them: it yields each, and is handed the answer. */
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
    steps.return(undefined as Outcome); // runs its `finally` blocks where a request has failed
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
