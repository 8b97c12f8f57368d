import type { Readable, Writable } from 'node:stream';

/** The streams of a process, of which each may be a terminal. */
export interface Streams {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Takes what a command is asked for. */
  readonly stdout: Writable & { readonly isTTY?: boolean };
  /** Takes questions, notices and errors. */
  readonly stderr: Writable;
}
