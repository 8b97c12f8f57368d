// npm run gateway:clients: runs popular clients against the gateway, and prints a table. Exits with 1 if one fails.
import { spawn } from 'node:child_process';
import { isDeepStrictEqual } from 'node:util';
import { fileURLToPath } from 'node:url';
import { startGateway } from './gateway.mjs';
import { HOME, PYTHON, install } from './install.mjs';

const TEXTS = ['Good day to you', 'Good day', 'Good day']; // the answers of echo, and of the fakes of OpenAI and Anthropic
const EXPECTED = {
  plain: TEXTS,
  stream: TEXTS,
  'wrong key': 401,
  'unknown model': 404,
  models: ['echo', 'gpt', 'claude'],
  tools: 'Good day',
};
const CHECKS = Object.keys(EXPECTED);
const CLIENTS = 8;

install();
const gateway = await startGateway();
let results;
try {
  const python = fileURLToPath(new URL('python.py', import.meta.url));
  results = [
    ...(await resultsOf(process.execPath, `${HOME}/javascript.mjs`)),
    ...(await resultsOf(PYTHON, python)),
  ];
} finally {
  await gateway.stop();
}

const rows = new Map(results.map(({ client }) => [client, {}]));
let isGood = rows.size === CLIENTS;
for (const { client, check, result } of results) {
  const isExpected = isDeepStrictEqual(result, EXPECTED[check]);
  rows.get(client)[check] = isExpected ? 'ok' : 'FAILED';
  if (!isExpected) console.log(`${client}, ${check}: ${JSON.stringify(result)}`);
  isGood &&= isExpected;
}
for (const row of [['client', ...CHECKS], ...[...rows].map(toCells)]) {
  console.log(row.map((cell) => cell.padEnd(18)).join(''));
}
if (!isGood) console.log(`\n${rows.size} of ${CLIENTS} clients ran; what failed is above.`);
process.exitCode = isGood ? 0 : 1;

function toCells([client, row]) {
  return [client, ...CHECKS.map((check) => row[check] ?? '-')];
}

/** Resolves to the printed results of a script. A check that it could not run is missing, and counts as a failure. */
async function resultsOf(command, script) {
  const env = { ...process.env, GATEWAY_URL: gateway.url, GATEWAY_KEY: gateway.key };
  const child = spawn(command, [script], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  const code = await new Promise((resolve) => child.once('close', resolve));
  const lines = output.split('\n').filter((line) => line.startsWith('{"client'));
  if (code !== 0) console.log(`${script} ended with ${code}.`);
  return lines.map((line) => JSON.parse(line));
}
