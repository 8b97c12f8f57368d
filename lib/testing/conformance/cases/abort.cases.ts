import assert from 'node:assert/strict';
import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { isErrorLike } from '../../../core/errors/safe-access';
import { outcomeOf, read, summaryOf, valueOf } from '../ask';
import type { Capability, CaseDefinition, Subject } from '../harness';

const KEY = 'CONFORMANCE_KEY';
const VALUE = 'value';

const CALLS: readonly (readonly [
  what: string,
  needs: readonly Capability[],
  call: (subject: Subject, options: OperationOptions) => Promise<unknown>,
])[] = [
  ['a call', [], (subject, options) => read(subject, KEY, options)],
  ['a read of several secrets', [], readSeveral],
  ['a write', ['write'], ({ manager }, options) => manager.writeSecret(KEY, 'new', options)],
  ['a deletion', ['delete'], ({ manager }, options) => manager.deleteSecret(KEY, options)],
  ['a health check', ['health'], checkHealth],
];

export const abortCases: readonly CaseDefinition[] = [
  ...CALLS.map(([what, needs, call]): CaseDefinition => ({
    title: `ends ${what} that hangs when its signal aborts`,
    needs,
    fault: 'hanging',
    async run(subject) {
      await hangStore(subject);
      const controller = new AbortController();

      const outcome = outcomeOf(subject, () => call(subject, { signal: controller.signal }));
      await waitBriefly();
      controller.abort();

      assert.ok(
        ['CANCELLED', 'TIMEOUT'].includes(summaryOf(await outcome)),
        summaryOf(await outcome),
      );
    },
  })),
  {
    title: 'ends a call that hangs when the signal of a deadline aborts',
    fault: 'hanging',
    async run(subject) {
      await hangStore(subject);

      const controller = new AbortController();

      const outcome = outcomeOf(subject, () => read(subject, KEY, { signal: controller.signal }));
      await waitBriefly();
      controller.abort(new DOMException('The deadline has passed.', 'TimeoutError'));

      assert.ok(
        ['TIMEOUT', 'CANCELLED'].includes(summaryOf(await outcome)),
        summaryOf(await outcome),
      );
    },
  },
  {
    title: 'does not answer a call whose signal was aborted before, where the store hangs',
    fault: 'hanging',
    async run(subject) {
      await hangStore(subject);

      const outcome = await outcomeOf(subject, () =>
        read(subject, KEY, { signal: AbortSignal.abort() }),
      );

      assert.ok(['CANCELLED', 'TIMEOUT'].includes(summaryOf(outcome)), summaryOf(outcome));
    },
  },
  {
    title: 'answers after a call that was aborted, when the store no longer hangs',
    fault: 'hanging',
    async run(subject) {
      await hangStore(subject);
      await outcomeOf(subject, () => read(subject, KEY, { signal: AbortSignal.abort() }));

      await subject.fail(undefined);

      assert.equal(await valueOf(subject, KEY), VALUE);
    },
  },
  {
    title: 'lets other calls alone when one is aborted',
    async run(subject) {
      await subject.seed(KEY, VALUE);
      const controller = new AbortController();

      const aborted = outcomeOf(subject, () => read(subject, KEY, { signal: controller.signal }));
      const other = valueOf(subject, KEY);
      controller.abort();
      await aborted;

      assert.equal(await other, VALUE);
    },
  },
];

async function hangStore(subject: Subject): Promise<void> {
  await subject.seed(KEY, VALUE);
  await subject.fail('hanging');
}

/** Checks the health. A cancelled check may also answer `false`, because the store has not answered. */
async function checkHealth({ manager }: Subject, options: OperationOptions): Promise<unknown> {
  const isHealthy = await manager.checkHealth(options);
  if (isHealthy === false) throw new DOMException('It answered false.', 'AbortError');
  return isHealthy;
}

/** Reads two secrets. The call may fail as a whole, or for each name. */
async function readSeveral({ manager }: Subject, options: OperationOptions): Promise<unknown> {
  const answer = (await manager.readSecrets([KEY, `${KEY}_TOO`], options)).get(KEY);
  if (isErrorLike(answer)) throw answer;
  return answer;
}

/** Waits until any store has got the call, and the manager listens to the signal. */
function waitBriefly(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
