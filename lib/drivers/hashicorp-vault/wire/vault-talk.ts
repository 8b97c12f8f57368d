import type { VaultAnswer } from './exchange';
import type { VaultRequest } from './vault-request';

/** Something that takes several requests, whoever carries them: it yields each, and is handed the answer. */
export type VaultTalk<Outcome> = Generator<VaultRequest, Outcome, VaultAnswer>;

export async function carry<Outcome>(
  talk: VaultTalk<Outcome>,
  send: (request: VaultRequest) => Promise<VaultAnswer>,
): Promise<Outcome> {
  try {
    let step = talk.next();
    while (!step.done) step = talk.next(await send(step.value));
    return step.value;
  } finally {
    talk.return(undefined as Outcome); // runs its `finally` blocks where a request has failed
  }
}

export function carrySync<Outcome>(
  talk: VaultTalk<Outcome>,
  send: (request: VaultRequest) => VaultAnswer,
): Outcome {
  try {
    let step = talk.next();
    while (!step.done) step = talk.next(send(step.value));
    return step.value;
  } finally {
    talk.return(undefined as Outcome);
  }
}
