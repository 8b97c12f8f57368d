import { escapeInvisible, quoteName } from '../core/errors/wording';
import type { Action, Command } from './command';
import { Failure, wrongUsage } from './failure';
import { readNewValue } from './new-value';
import { print } from './print';
import { confirm } from './questions';
import type { CommandStore } from './store';
import type { Streams } from './streams';

type Run = (command: Command, store: CommandStore, streams: Streams) => Promise<void>;

/** The actions. Each prints its result, or rejects. */
export const ACTIONS: Readonly<Record<Action, Run>> = {
  set: async (command, store, streams) => {
    const { name, options } = command;
    const write = {
      createOnly: options['create-only'],
      description: options.description,
      tags: readTags(options.tag),
    };
    const isNew = !(await store.exists());
    if (!isNew) await store.open(); // reports a wrong key before somebody types a value
    const value = await readNewValue(command, streams);
    if (isNew) streams.stderr.write(`${await store.create()}\n`);
    const { version = '' } = await store.manager.writeSecret(name, value, write);
    await print(streams, `Stored ${quoteName(name)} as version ${version}.\n`);
  },

  get: async ({ name, options }, store, streams) => {
    await store.open();
    const reading = await store.manager.readSecret(name);
    if (reading === undefined) throw missing(name);
    const isShown = streams.stdout.isTTY === true;
    if (isShown && !options.yes) await assertShown(name, streams);
    await print(streams, isShown ? `${reading.value}\n` : reading.value);
  },

  list: async ({ options }, store, streams) => {
    await store.open();
    const secrets = await store.manager.listSecrets();
    const described = await Promise.all(
      secrets.map(async (secret) => ({
        ...secret,
        description: (await store.manager.describeSecret(secret.name)).description,
      })),
    );
    const shown = options.json
      ? `${inJson(described)}\n`
      : described.map((secret) => `${lineOf(secret)}\n`).join('');
    await print(streams, shown);
  },

  delete: async ({ name, options }, store, streams) => {
    const days = readDays(options['recovery-window-days']);
    await store.open();
    const found = (await store.manager.listSecrets()).find((secret) => secret.name === name);
    if (found === undefined || (found.deletionAt && days !== 0)) throw missing(name);
    if (streams.stdin.isTTY && !options.yes && !(await confirm(questionOf(name, days), streams))) {
      throw new Failure(`${quoteName(name)} was not deleted.`);
    }
    const { deletionAt } = await store.manager.deleteSecret(name, { recoveryWindowInDays: days });
    const end = deletionAt
      ? `Until ${deletionAt.toISOString()} "secret set" restores it, with its description and tags.`
      : 'It cannot be restored.';
    await print(streams, `Deleted ${quoteName(name)}. ${end}\n`);
  },
};

async function assertShown(name: string, streams: Streams): Promise<void> {
  if (!streams.stdin.isTTY) {
    throw new Failure(
      `The value of ${quoteName(name)} would be shown on the terminal. Redirect the output, or give --yes.`,
    );
  }
  const question = `Show the value of ${quoteName(name)} on this terminal?`;
  if (!(await confirm(question, streams)))
    throw new Failure(`The value of ${quoteName(name)} was not shown.`);
}

function questionOf(name: string, days: number | undefined): string {
  return days === 0
    ? `Delete ${quoteName(name)} for good?`
    : `Delete ${quoteName(name)}? Its value can then no longer be read.`;
}

function missing(name: string): Failure {
  return new Failure(
    `There is no secret ${quoteName(name)} in the store. "secret list" tells all.`,
  );
}

function readTags(given: readonly string[] | undefined): Record<string, string> | undefined {
  if (given === undefined) return undefined;
  const tags = given.map((tag) => /^([^=]+)=(.*)$/s.exec(tag));
  if (tags.includes(null)) throw wrongUsage('--tag takes NAME=VALUE.');
  return Object.fromEntries(tags.map((tag) => [tag?.[1] ?? '', tag?.[2] ?? '']));
}

function readDays(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  if (/^\d{1,7}$/.test(given)) return Number(given);
  throw wrongUsage('--recovery-window-days takes a whole number of days, 0 or more.');
}

function lineOf(secret: {
  readonly name: string;
  readonly version?: string;
  readonly deletionAt?: Date;
  readonly description?: string;
}): string {
  const { name, version = '', deletionAt, description = '' } = secret;
  const note = deletionAt ? `deleted, restorable until ${deletionAt.toISOString()}` : description;
  return [name, version, note].map(escapeInvisible).join('\t').trimEnd();
}

/** Formats JSON in several lines. Escapes invisible characters, but not the line breaks between the fields. */
function inJson(content: unknown): string {
  return JSON.stringify(content, undefined, 2).split('\n').map(escapeInvisible).join('\n');
}
