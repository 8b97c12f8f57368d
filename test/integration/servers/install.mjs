// Installs the servers of the integration tests into a Python environment. Does nothing if they are installed.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const home = fileURLToPath(new URL('../../../.cache/servers', import.meta.url));
const requirements = fileURLToPath(new URL('requirements.txt', import.meta.url));
const installed = `${home}/installed.txt`;
const wanted = readFileSync(requirements, 'utf8');

if (!existsSync(installed) || readFileSync(installed, 'utf8') !== wanted) install();

function install() {
  console.log(`Installing ${wanted.trim().replaceAll('\n', ', ')} for the integration tests.`);
  rmSync(home, { recursive: true, force: true });
  run('python3', '-m', 'venv', home);
  run(`${home}/bin/python`, ...'-m pip install --quiet --no-input -r'.split(' '), requirements);
  writeFileSync(installed, wanted);
}

function run(command, ...args) {
  const env = {
    ...process.env,
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    PIP_ROOT_USER_ACTION: 'ignore',
  };
  execFileSync(command, args, { stdio: 'inherit', env });
}
