/**
 * The part of Vault that a synchronous read needs, in its own process. `GET /requests` lists its requests, `POST
 * /forget-tokens` makes it forget every token, and `POST /reset` makes it new. Prints its port, and ends with its
 * parent process.
 */
import { createServer } from 'node:http';
import { setTimeout as pass } from 'node:timers/promises';
import { actAsProxy } from './tunnels.mjs';

const requests = [];
let isUnwrapped = false;
const FIRST_TOKENS = ['given', 'wrapped'];
const tokens = new Set(FIRST_TOKENS);
let logins = 0;
let leases = 0;

const DENIED = '1 error occurred:\n\t* permission denied\n\n';

/** An endless answer that comes byte by byte. */
const DRIP = Symbol('drip');

const ROUTES = [
  [/^\/tunnels$/, () => [200, tunnels]],
  [/^\/requests$/, () => [200, requests]],
  [/^\/forget-tokens$/, () => [204, tokens.clear()]],
  [/^\/reset$/, reset],
  [/^\/v1\/auth\/approle\/login$/, logIn],
  [/^\/v1\/sys\/wrapping\/unwrap$/, unwrap],
  [/^\/v1\/auth\/token\/lookup-self$/, () => [403, { errors: [DENIED] }]],
  [/^\/v1\/auth\/token\/revoke-self$/, (_, { token }) => [204, tokens.delete(token)]],
  [/^\/v1\/sys\/leases\/renew$/, (_, { body }) => [200, { ...body, lease_duration: 60 }]],
  [/^\/v1\/sys\/leases\/revoke$/, () => [204]],
  [/^\/v1\/sys\/internal\/ui\/mounts\//, () => [403, { errors: [DENIED] }]],
  [/^\/v1\/secret\/data\/ABSENT$/, () => [404, { errors: [] }]],
  [/^\/v1\/secret\/data\/DENIED$/, () => [403, { errors: [DENIED] }]],
  [/^\/v1\/secret\/data\/SEALED$/, () => [503, { errors: ['Vault is sealed'] }]],
  [/^\/v1\/secret\/data\/DRIPPING$/, () => [200, DRIP]],
  [/^\/v1\/secret\/data\/HANGING$/, () => new Promise(() => undefined)],
  [/^\/v1\/secret\/data\/SLOW$/, async () => [200, await pass(100, kv2('SLOW'))]],
  [/^\/v1\/secret\/data\/FIREWALL$/, () => [403, { message: 'Forbidden' }]],
  [/^\/v1\/secret\/data\/ODD$/, () => [404, { errors: [{ detail: 'not found' }] }]],
  [/^\/v1\/secret\/data\/NUMBER$/, () => [200, NUMBER]],
  [/^\/v1\/secret\/data\/(WRITTEN|LAGGING)$/, written],
  [/^\/v1\/redirected\/data\/(\w+)$/, (_, { request }) => redirected(request)],
  [/^\/v1\/secret\/data\/(\w+)$/, (name) => [200, kv2(name)]],
  [/^\/v1\/kv1\/(\w+)$/, (name) => [200, { lease_duration: 2764800, data: { value: name } }]],
  [/^\/v1\/database\/creds\/(\w+)$/, (name) => [200, credentials(name)]],
];

const NUMBER =
  '{"data":{"data":{"account":12345678901234567890,"rate":1.10},"metadata":{"version":3}}}';

const server = createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray()).toString();
  const token = request.headers['x-vault-token'];
  if (request.url.startsWith('/v1/')) requests.push(`${request.method} ${request.url.slice(4)}`);
  const [pattern, answer] = ROUTES.find(([route]) => route.test(request.url));
  const isOpen = !request.url.startsWith('/v1/') || request.url.endsWith('/login');
  const [status, content, more] =
    isOpen || tokens.has(token)
      ? await answer(pattern.exec(request.url)[1], {
          token,
          body: body && JSON.parse(body),
          request,
        })
      : [403, { errors: ['permission denied'] }];
  response.writeHead(status, { 'content-type': 'application/json', ...more });
  if (content === DRIP) return void setInterval(() => response.write(' '), 20);
  if (status === 204) response.end();
  else response.end(typeof content === 'string' ? content : JSON.stringify(content));
});
const tunnels = actAsProxy(server);
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit()).resume();

function reset() {
  requests.length = tunnels.length = logins = leases = 0;
  isUnwrapped = false;
  tokens.clear();
  for (const token of FIRST_TOKENS) tokens.add(token);
  return [204];
}

async function logIn(_, { body }) {
  if (body.secret_id !== 'right') return [400, { errors: ['invalid role or secret ID'] }];
  if (body.role_id === 'slow') await pass(200);
  if (body.role_id === 'dripping') return [200, DRIP];
  const token = `canary-of-token-${(logins += 1)}`;
  tokens.add(token);
  return [200, { auth: { client_token: token, lease_duration: 3600, renewable: true } }];
}

/** Answers like a standby that reports its state, and the state that was required. */
function written(name, { request: { method, headers } }) {
  if (method === 'POST') return [200, { data: { version: 4 } }, { 'x-vault-index': 'state-4' }];
  if (name === 'LAGGING') return [429, { errors: [] }, { 'retry-after': '1' }];
  return [200, kv2(`requires ${headers['x-vault-index']}`)];
}

/** Unwraps the secret id once, like a wrapping token. */
async function unwrap() {
  if (isUnwrapped) return [400, { errors: ['wrapping token is not valid or does not exist'] }];
  isUnwrapped = true;
  await pass(200);
  return [200, { data: { secret_id: 'right' } }];
}

function redirected({ headers: { host } }) {
  if (host.startsWith('127.')) return [200, kv2Of('redirected')];
  const port = host.split(':')[1];
  return [307, undefined, { location: `http://127.0.0.1:${port}/v1/redirected/data/A` }];
}

function kv2Of(value) {
  return { data: { data: { value }, metadata: { version: 3 } } };
}

function kv2(name) {
  return kv2Of(`value of ${name}`);
}

function credentials(name) {
  const lease_id = `database/creds/${name}/${(leases += 1)}`;
  const data = { username: `user-${leases}`, password: 'secret' };
  return { lease_id, lease_duration: 60, renewable: true, data };
}
