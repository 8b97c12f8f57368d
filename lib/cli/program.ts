import { isSecretManagerError } from '../core/errors/secret-manager.error';
import { ACTIONS } from './actions';
import { readCommand } from './command';
import { Failure, type ExitCode } from './failure';
import { HELP } from './help';
import { print } from './print';
import { CommandStore } from './store';
import type { Streams } from './streams';

/** The streams, the environment and the version of the process that runs a command. */
export interface ProcessContext extends Streams {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The version of the package. */
  readonly version: string;
}

/** Runs one command. Prints its result, or one line about its failure. Resolves to its exit code. */
export async function runProgram(
  args: readonly string[],
  context: ProcessContext,
): Promise<ExitCode> {
  try {
    await run(args, context);
    return 0;
  } catch (thrown) {
    context.stderr.write(`Error: ${messageOf(thrown).replace(/\s*\n(- )?/g, ' ')}\n`);
    return exitCodeOf(thrown);
  }
}

async function run(args: readonly string[], context: ProcessContext): Promise<void> {
  const { env, version } = context;
  const command = readCommand(args);
  if (command === 'help' || command === 'version') {
    await print(context, command === 'help' ? HELP : `${version}\n`);
    return;
  }
  const store = new CommandStore(command, env);
  try {
    await ACTIONS[command.action](command, store, context);
  } finally {
    await store.manager.close();
  }
}

/** Returns the message of an expected error. Others may quote a path or a value, so only their code is shown. */
function messageOf(thrown: unknown): string {
  if (thrown instanceof Failure || isSecretManagerError(thrown)) return thrown.message;
  const { code = 'no code' } = Object(thrown) as NodeJS.ErrnoException;
  return `The store cannot be used (${code}).`;
}

function exitCodeOf(thrown: unknown): ExitCode {
  if (thrown instanceof Failure) return thrown.exitCode;
  return isSecretManagerError(thrown) && thrown.code === 'INVALID_ARGUMENT' ? 2 : 1;
}
