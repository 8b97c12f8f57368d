import { PassThrough } from 'node:stream';
import { runProgram } from '../../lib/cli/program';

export interface Typed {
  /** What comes from standard input: piped, or typed on a terminal. */
  readonly input?: string | Buffer;
  /** Which streams are a terminal. Default: none. */
  readonly terminal?: readonly ('stdin' | 'stdout')[];
  /** The code of the error that each write to standard output ends with. Default: none. */
  readonly outputFailure?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

class Terminal extends PassThrough {
  readonly isTTY: boolean;

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  setRawMode(): this {
    return this; // a terminal has it
  }
}

/** Runs a command in this process, on streams of the test's own. */
export async function runCommand(
  args: readonly string[],
  { input, terminal = [], outputFailure, env = {} }: Typed = {},
): Promise<Ended> {
  const stdin = new Terminal(terminal.includes('stdin'));
  const stdout = new Terminal(terminal.includes('stdout'));
  const stderr = new PassThrough();
  if (outputFailure !== undefined) {
    stdout._transform = (_chunk, _encoding, done) =>
      done(Object.assign(new Error('no'), { code: outputFailure }));
  }
  if (stdin.isTTY) stdin.write(input ?? '');
  else stdin.end(input);
  const surroundings = { stdin, stdout, stderr, env, version: '1.2.3' };
  const code = await runProgram(args, surroundings);
  return { code, stdout: textOf(stdout), stderr: textOf(stderr) };
}

function textOf(stream: PassThrough): string {
  const content = stream.read() as Buffer | null;
  return content?.toString('utf8') ?? '';
}
