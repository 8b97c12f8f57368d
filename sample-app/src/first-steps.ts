import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const SCRIPT = join(__dirname, '../first-steps.sh');

/** Returns the shell commands that lead from a running gateway to the first completion. */
export function firstSteps(url: string): string {
  return readFileSync(SCRIPT, 'utf8').trim().replaceAll('http://127.0.0.1:3000', url);
}
