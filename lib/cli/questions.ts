import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { Failure } from './failure';
import type { Streams } from './streams';

/** The time within which the further lines of a paste arrive. */
const PASTE_MS = 50;

/** Resolves to whether the answer is yes. The end of the input and an interrupt count as no. */
export async function confirm(question: string, { stdin, stderr }: Streams): Promise<boolean> {
  const lines = createInterface({
    input: stdin,
    output: stderr,
    terminal: true,
    historySize: 0,
  });
  try {
    return await new Promise((resolve) => {
      lines.once('SIGINT', () => lines.close());
      lines.once('close', () => resolve(false));
      lines.question(`${question} [y/N] `, (answer) => resolve(/^\s*y(es)?\s*$/i.test(answer)));
    });
  } finally {
    lines.close();
  }
}

/** Resolves to a typed line, without an echo. Rejects on an interrupt, and for several lines. */
export async function askHidden(question: string, { stdin, stderr }: Streams): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({
    input: stdin,
    output: nowhere,
    terminal: true,
    historySize: 0,
  });
  stderr.write(question);
  try {
    return await new Promise<string>((resolve, reject) => {
      const typed: string[] = [];
      const settle = (): void => {
        const [line = ''] = typed;
        if (typed.length === 1 && lines.line === '') resolve(line);
        else reject(new Failure('The value has several lines. Pipe it in. Nothing was stored.'));
      };
      lines.on('line', (line) => {
        typed.push(line);
        if (typed.length === 1) setTimeout(settle, PASTE_MS);
      });
      lines.once('SIGINT', () => lines.close());
      lines.once('close', () => {
        if (typed.length === 0) reject(new Failure('Nothing was typed, and nothing was stored.'));
      });
    });
  } finally {
    stderr.write('\n');
    lines.close();
  }
}
