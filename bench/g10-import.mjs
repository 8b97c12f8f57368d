import { execFileSync } from 'node:child_process';
import { median, report } from './support/measure.mjs';

const GOAL_MS = 10;
const ROUNDS = 15;

const PEERS = ['reflect-metadata', '@nestjs/common', '@nestjs/core', 'class-validator'];
const script = `
  for (const peer of ${JSON.stringify(PEERS)}) require(peer);
  const startedAt = performance.now();
  require('nestjs-custom-secret-manager');
  console.log(performance.now() - startedAt, 'undici' in process.versions && Object.keys(require.cache).some((path) => path.includes('node_modules/undici')));
`;

const times = [];
for (let round = 0; round < ROUNDS; round++) {
  const output = execFileSync(process.execPath, ['--no-warnings', '-e', script], {
    cwd: new URL('..', import.meta.url),
    encoding: 'utf8',
  });
  const [elapsedMs, loadsUndici] = output.trim().split(' ');
  if (loadsUndici === 'true') throw new Error('the main entry loads undici');
  times.push(Number(elapsedMs));
}

const elapsedMs = median(times);
report('G10', {
  what: 'importing the main entry, over its Nest peers',
  figure: `${elapsedMs.toFixed(1)} ms`,
  limit: `${GOAL_MS} ms`,
  ratio: elapsedMs / GOAL_MS,
  atMost: 1,
});
