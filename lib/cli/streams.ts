import type { Readable, Writable } from 'node:stream';

/** The streams of a process. Each may be a terminal. */
export interface Streams {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Takes the result of a command. */
  readonly stdout: Writable & { readonly isTTY?: boolean };
  /** Takes questions, notices and errors. */
  readonly stderr: Writable;
}
