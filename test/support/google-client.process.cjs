/**
 * Drives Google's own client against a server, in its own process, because jest cannot load it. Reads commands as
 * lines of JSON, `{ method, request }`, and prints one line of JSON for each: `{ answer }` or `{ code, message }`.
 *
 * Arguments: the port of the server, and the token.
 */
const { createInterface } = require('node:readline');
const { SecretManagerServiceClient } = require('@google-cloud/secret-manager');
const { OAuth2Client } = require('google-auth-library');

const [port, token] = process.argv.slice(2);

const authClient = new OAuth2Client();
authClient.setCredentials({ access_token: token, expiry_date: Date.now() + 3_600_000 });
const client = new SecretManagerServiceClient({
  fallback: true,
  protocol: 'http',
  apiEndpoint: '127.0.0.1',
  port: Number(port),
  projectId: 'project-1',
  authClient,
});

async function run({ method, request }) {
  try {
    const [answer] = await client[method](request);
    return { answer: plain(answer) };
  } catch (error) {
    return { code: error.code, message: String(error.message) };
  }
}

/** Bytes become text, and long numbers their digits. */
function plain(answer) {
  if (Array.isArray(answer)) return answer.map(plain);
  const { payload, ...rest } = answer ?? {};
  const shown = JSON.parse(JSON.stringify(rest));
  if (payload === undefined || payload === null) return shown;
  const data = Buffer.from(payload.data).toString('utf8');
  return { ...shown, payload: { data, dataCrc32c: String(payload.dataCrc32c) } };
}

let last = Promise.resolve();
createInterface({ input: process.stdin }).on('line', (line) => {
  last = last.then(async () => console.log(JSON.stringify(await run(JSON.parse(line)))));
});
process.stdin.on('end', () => last.then(() => process.exit()));
