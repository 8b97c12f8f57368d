import assert from 'node:assert/strict';
import { outcomeOf, readSync, summaryOf, trySeed, valueOf, valuesOf } from '../ask';
import type { CaseDefinition, Subject } from '../harness';

/** Names that must not mean another secret, however the store reads paths. */
const MISLEADING = [
  '../victim',
  'team/../victim',
  'team/./victim',
  './victim',
  'team//victim',
  '/victim',
  'victim/',
  'team/%2e%2e/victim',
  'team%2fvictim',
  'team\\victim',
  'victim\n',
  'victim\u0000',
  '//victim',
];

type Victim = readonly [name: string, value: string];

const VICTIMS: readonly Victim[] = [
  ['victim', 'of the victim'],
  ['team/victim', 'of the victim in the team'],
];

export const misleadingNameCases: readonly CaseDefinition[] = [
  ...MISLEADING.map((name): CaseDefinition => ({
    title: `does not answer another secret for the name ${JSON.stringify(name)}`,
    async run(subject) {
      await seedVictims(subject);

      const outcome = await outcomeOf(subject, () => valueOf(subject, name));

      assert.ok('failure' in outcome || outcome.answer === undefined, summaryOf(outcome));
    },
  })),
  {
    title: 'answers no other secret for a misleading name among several',
    async run(subject) {
      await seedVictims(subject);

      const outcome = await outcomeOf(subject, () => valuesOf(subject, MISLEADING));

      const answers = 'answer' in outcome ? Object.entries(outcome.answer) : [];
      for (const [name, answer] of answers)
        assert.ok(answer === undefined || answer === 'an error', JSON.stringify(name));
    },
  },
  {
    title: 'answers no other secret at once for a misleading name',
    needs: ['sync'],
    async run(subject) {
      await seedVictims(subject);

      for (const name of MISLEADING) {
        const outcome = await outcomeOf(subject, () => readSync(subject, name));
        assert.ok('failure' in outcome || outcome.answer === undefined, JSON.stringify(name));
      }
    },
  },
  {
    title: 'writes over no other secret under a misleading name',
    needs: ['write'],
    async run(subject) {
      const victims = await seedVictims(subject);

      for (const name of MISLEADING) {
        await outcomeOf(subject, () => subject.manager.writeSecret(name, 'of the attacker'));
        await assertUnharmed(subject, victims, name);
      }
    },
  },
  {
    title: 'deletes no other secret under a misleading name',
    needs: ['delete'],
    async run(subject) {
      const victims = await seedVictims(subject);

      for (const name of MISLEADING) {
        await outcomeOf(subject, () => subject.manager.deleteSecret(name));
        await assertUnharmed(subject, victims, name);
      }
    },
  },
];

/** Resolves to the seeded secrets. A store without folders can have only one. */
async function seedVictims(subject: Subject): Promise<readonly Victim[]> {
  const seeded: Victim[] = [];
  for (const victim of VICTIMS) if (await trySeed(subject, ...victim)) seeded.push(victim);
  return seeded;
}

async function assertUnharmed(
  subject: Subject,
  victims: readonly Victim[],
  by: string,
): Promise<void> {
  for (const [name, value] of victims) {
    assert.equal(await valueOf(subject, name), value, `harmed by ${JSON.stringify(by)}`);
  }
}
