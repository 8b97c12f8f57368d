import { parseArgs } from 'node:util';
import { parseSecretName } from '../core/validation/secret-name';
import { wrongUsage } from './failure';

const OPTIONS = {
  path: { type: 'string' },
  'key-file': { type: 'string' },
  'key-env': { type: 'string' },
  'passphrase-env': { type: 'string' },
  'create-only': { type: 'boolean' },
  description: { type: 'string' },
  tag: { type: 'string', multiple: true },
  'keep-trailing-newline': { type: 'boolean' },
  'allow-empty': { type: 'boolean' },
  yes: { type: 'boolean' },
  json: { type: 'boolean' },
  'recovery-window-days': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;

const KEY_OPTIONS = ['key-file', 'key-env', 'passphrase-env'] as const;

/** The options of each action, besides those of the store. */
const ACTIONS = {
  set: ['create-only', 'description', 'tag', 'keep-trailing-newline', 'allow-empty'],
  get: ['yes'],
  list: ['json'],
  delete: ['yes', 'recovery-window-days'],
} as const satisfies Record<string, readonly (keyof typeof OPTIONS)[]>;

export type Action = keyof typeof ACTIONS;

type Given = ReturnType<typeof parse>['values'];

/** A command with valid arguments. */
export interface Command {
  readonly action: Action;
  /** The name of the secret, empty for `list`. */
  readonly name: string;
  readonly path: string;
  readonly options: Given;
}

/** Parses the arguments. Throws a `Failure` that quotes only the name of the secret. */
export function readCommand(args: readonly string[]): Command | 'help' | 'version' {
  const { values, positionals } = parse(args);
  if (values.help) return 'help';
  if (values.version) return 'version';
  const [group, action, ...names] = positionals;
  if (group === undefined) return 'help';
  if (group !== 'secret' || !isAction(action)) {
    throw wrongUsage(`The command must be "secret" and one of ${Object.keys(ACTIONS).join(', ')}.`);
  }
  const name = readName(action, names);
  assertOptionsOf(action, values);
  if (!values.path) throw wrongUsage('--path is missing: the file of the store.');
  if (KEY_OPTIONS.filter((option) => values[option] !== undefined).length !== 1) {
    throw wrongUsage('Give the key by exactly one of --key-file, --key-env and --passphrase-env.');
  }
  return { action, name, path: values.path, options: values };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (thrown) {
    throw wrongUsage(problemOf(thrown));
  }
}

/**
 * Returns the problem with the arguments. An unknown option is not quoted: it may be a value that begins with a dash.
 */
function problemOf(thrown: unknown): string {
  const { code, message } = thrown as NodeJS.ErrnoException;
  if (code !== 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE')
    return 'An option is unknown. A value is never an argument: pipe it in, or type it when asked.';
  const [problem = ''] = message.split('\n');
  return `${problem.replace(/\.$/, '')}.`;
}

function isAction(given: string | undefined): given is Action {
  return given !== undefined && Object.hasOwn(ACTIONS, given);
}

function readName(action: Action, names: readonly string[]): string {
  const [name, ...others] = names;
  if (action === 'list') {
    if (name !== undefined) throw wrongUsage('"secret list" takes no name.');
    return '';
  }
  if (name === undefined) throw wrongUsage(`"secret ${action}" needs the NAME of a secret.`);
  if (others.length > 0) {
    throw wrongUsage(
      `"secret ${action}" takes one NAME and nothing after it. A value is never an argument: pipe it in, or type it ` +
        'when asked. If that was a secret, your shell may have kept it in its history.',
    );
  }
  return parseSecretName(name, { manager: 'encrypted-file', operation: `secret ${action}` });
}

function assertOptionsOf(action: Action, values: Given): void {
  const known: readonly string[] = ['path', ...KEY_OPTIONS, ...ACTIONS[action]];
  const wrong = Object.keys(values).find((option) => !known.includes(option));
  if (wrong !== undefined) throw wrongUsage(`--${wrong} is no option of "secret ${action}".`);
}
