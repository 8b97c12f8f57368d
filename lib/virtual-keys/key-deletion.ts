import { read } from '../core/errors/safe-access';
import type { SecretManagerError } from '../core/errors/secret-manager.error';
import { inParallel } from '../core/time/in-parallel';
import { asOutcome, type Pipeline } from '../policies/policy';
import type { VirtualKeyCall } from './virtual-key-calls';
import type { VirtualKey } from './virtual-key-names';

const PARALLEL_DELETIONS = 16;

/** Resolves to the outcome of each key, by id: `undefined`, or the error that prevented the deletion. */
export async function deleteAll(
  keys: readonly VirtualKey[],
  deleteOne: (key: VirtualKey) => Promise<void>,
): Promise<ReadonlyMap<string, SecretManagerError | undefined>> {
  const named = keys.map((key) => ({ key, id: read(key, 'id') as string }));
  const outcomes = new Map<string, SecretManagerError | undefined>(
    named.map(({ id }) => [id, undefined]),
  );
  await inParallel(named, PARALLEL_DELETIONS, async ({ key, id }) => {
    const outcome = await deleteOne(key).then(() => undefined, asOutcome);
    outcomes.set(id, outcomes.get(id) ?? outcome);
  });
  return outcomes;
}

/** Deletes a key, and the record of its overlap. Without its key, a record that stays makes nothing valid. */
export async function deleteKey(
  pipeline: Pipeline,
  call: VirtualKeyCall,
  record: string,
): Promise<void> {
  const { recoveryWindowInDays } = call.given;
  await pipeline.deleteSecret(call.secretName, { ...call.options, recoveryWindowInDays });
  await deleteRecord(pipeline, call, record).catch(() => undefined);
}

async function deleteRecord(
  pipeline: Pipeline,
  { options }: VirtualKeyCall,
  record: string,
): Promise<void> {
  // another instance may have written the record after this one cached its absence
  const reading = await pipeline.readSecret(record, { ...options, maxAgeMs: 0 });
  if (reading === undefined) return;
  await pipeline.deleteSecret(record, { ...options, recoveryWindowInDays: 0 });
}
