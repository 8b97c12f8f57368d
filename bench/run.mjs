/**
 * Runs the scripts of this folder, or those of the named goals: `npm run bench`, `npm run bench -- G1 G2`. Fails if a
 * goal is missed.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The goals whose scripts compare with other packages. */
const WITH_PEERS = new Set(['g3', 'g4']);

const wanted = process.argv.slice(2).map((goal) => goal.toLowerCase());
const scripts = readdirSync(import.meta.dirname)
  .filter((file) => /^g\d+-.*\.mjs$/.test(file))
  .filter((file) => wanted.length === 0 || wanted.includes(goalOf(file)))
  .sort((a, b) => goalOf(a).slice(1) - goalOf(b).slice(1));

if (scripts.length === 0) {
  console.error(`There is no script for ${wanted.join(', ')}.`);
  process.exit(2);
}
if (scripts.some((file) => WITH_PEERS.has(goalOf(file)))) installPeers();
console.log(`Node ${process.versions.node}`);
for (const script of scripts) {
  const { status } = spawnSync(
    process.execPath,
    ['--no-warnings', join(import.meta.dirname, script)],
    {
      stdio: 'inherit',
    },
  );
  if (status !== 0) process.exitCode = 1;
}

/** Installs the packages for comparisons, which are no dependencies. Does nothing if they are installed. */
function installPeers() {
  const cwd = join(import.meta.dirname, 'peers');
  if (existsSync(join(cwd, 'node_modules'))) return;
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd,
    stdio: 'inherit',
  });
}

function goalOf(file) {
  return file.slice(0, file.indexOf('-'));
}
