/** The exit code of a command: 0 for success, 1 for a failure, 2 for wrong arguments. */
export type ExitCode = 0 | 1 | 2;

/** An expected failure of a command. Its message is shown, so it holds no value. */
export class Failure extends Error {
  constructor(
    message: string,
    readonly exitCode: ExitCode = 1,
  ) {
    super(message);
  }
}

export function wrongUsage(message: string): Failure {
  return new Failure(`${message} See --help.`, 2);
}
