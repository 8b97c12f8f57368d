// Installs the clients in a scratch folder. Does nothing if they are installed.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const HOME = fileURLToPath(new URL('../../.cache/clients', import.meta.url));
export const PYTHON = `${HOME}/python/bin/python`;

const NODE_CLIENTS = [
  'openai@6.49.0',
  '@langchain/openai@1',
  '@langchain/core@1',
  'ai@5',
  '@ai-sdk/openai-compatible@1',
  'zod@4',
];
const PYTHON_CLIENTS = [
  'openai',
  'litellm',
  'mcp', // LiteLLM's SDK imports it where a request has tools
  'instructor',
  'pydantic-ai-slim[openai]',
  'llama-index-llms-openai-like',
];

export function install() {
  const wanted = JSON.stringify([NODE_CLIENTS, PYTHON_CLIENTS]);
  const installed = `${HOME}/installed.json`;
  if (!existsSync(installed) || readFileSync(installed, 'utf8') !== wanted) {
    console.log(`Installing ${[...NODE_CLIENTS, ...PYTHON_CLIENTS].join(', ')}.`);
    rmSync(HOME, { recursive: true, force: true });
    mkdirSync(HOME, { recursive: true });
    writeFileSync(`${HOME}/package.json`, '{ "private": true }');
    run('npm', 'install', '--no-audit', '--no-fund', '--silent', ...NODE_CLIENTS);
    run('python3', '-m', 'venv', 'python');
    run(PYTHON, '-m', 'pip', 'install', '--quiet', '--no-input', ...PYTHON_CLIENTS);
    writeFileSync(installed, wanted);
  }
  cpSync(new URL('javascript.mjs', import.meta.url), `${HOME}/javascript.mjs`);
}

function run(command, ...args) {
  const env = {
    ...process.env,
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    PIP_ROOT_USER_ACTION: 'ignore',
  };
  execFileSync(command, args, { cwd: HOME, stdio: 'inherit', env });
}
