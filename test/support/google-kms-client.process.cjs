/**
 * Drives Google's own client of KMS against a server, in its own process, because jest cannot load it. Reads commands
 * as lines of JSON, `{ method, request }` with bytes as base64, and prints one line of JSON for each.
 *
 * Arguments: the port of the server, and the token.
 */
const { createInterface } = require('node:readline');
const { KeyManagementServiceClient } = require('@google-cloud/kms');
const { OAuth2Client } = require('google-auth-library');

const BYTES = ['plaintext', 'ciphertext', 'additionalAuthenticatedData'];
const [port, token] = process.argv.slice(2);

const authClient = new OAuth2Client();
authClient.setCredentials({ access_token: token, expiry_date: Date.now() + 3_600_000 });
const client = new KeyManagementServiceClient({
  fallback: true,
  protocol: 'http',
  apiEndpoint: '127.0.0.1',
  port: Number(port),
  projectId: 'payments',
  authClient,
});

async function run({ method, request }) {
  try {
    const [answer] = await client[method](convert(request, (text) => Buffer.from(text, 'base64')));
    const shown = convert(answer, (bytes) => Buffer.from(bytes).toString('base64'));
    const { plaintext, ciphertext, verifiedPlaintextCrc32c } = shown;
    return { answer: { plaintext, ciphertext, verifiedPlaintextCrc32c } };
  } catch (error) {
    return { code: error.code };
  }
}

function convert(fields, change) {
  const entries = Object.entries(fields).map(([name, value]) => {
    if (name.endsWith('Crc32c') && typeof value === 'string') return [name, { value }];
    return [name, BYTES.includes(name) ? change(value) : value];
  });
  return Object.fromEntries(entries);
}

let last = Promise.resolve();
createInterface({ input: process.stdin }).on('line', (line) => {
  last = last.then(async () => console.log(JSON.stringify(await run(JSON.parse(line)))));
});
process.stdin.on('end', () => last.then(() => process.exit()));
