/**
 * Replaces a file and a folder of a directory by links that lead out of it, and back, until its parent ends. Arguments:
 * the directory, and the folder outside.
 */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [directory, outside] = process.argv.slice(2);
const at = (...parts) => join(directory, ...parts);

mkdirSync(at('.inside'));
writeFileSync(at('.inside', 'KEY'), 'inside');
let isOver = false;
process.stdin.on('end', () => (isOver = true)).resume();
console.log('begun');
exchange();

function exchange() {
  for (let round = 0; round < 50; round++) {
    writeFileSync(at('.next'), 'inside');
    renameSync(at('.next'), at('KEY'));
    replaceFolder('.inside');
    symlinkSync(join(outside, 'KEY'), at('.next'));
    renameSync(at('.next'), at('KEY'));
    replaceFolder(outside);
  }
  if (isOver) rmSync(at('KEY'), { force: true });
  else setImmediate(exchange);
}

function replaceFolder(target) {
  symlinkSync(target, at('.folder'));
  renameSync(at('.folder'), at('folder'));
}
