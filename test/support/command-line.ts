import { PassThrough } from 'node:stream';
import { runProgram } from '../../lib/cli/program';

export interface Typed {
  /** The standard input: piped, or typed on a terminal. */
  readonly input?: string | Buffer;
  /** The streams that are a terminal. Default: none. */
  readonly terminal?: readonly ('stdin' | 'stdout')[];
  /** The error code of each write to standard output. Default: none. */
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
    return this; // a method of terminals
  }
}

/** Runs a command in this process, with test streams. */
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
