/**
 * A fake of Secrets Manager over HTTP in its own process. The name of a secret determines its answer. Prints its port,
 * and ends with its parent process.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';

const DELETED =
  "You can't perform this operation on the secret because it was marked for deletion.";

const ANSWERS = {
  TEXT: { SecretString: 'value of TEXT', VersionId: 'v1' },
  BYTES: { SecretBinary: Buffer.from('Zürich').toString('base64'), VersionId: 'v2' },
  NEITHER: {},
  ABSENT: refusal('ResourceNotFoundException'),
  PENDING: refusal('InvalidRequestException', DELETED),
  QUIET: refusal('InvalidRequestException', 'no more is said'),
  DENIED: refusal('AccessDeniedException', 'User: canary-of-a-user is not authorized to perform'),
  THROTTLED: refusal('ThrottlingException'),
  EXPIRED: refusal('ExpiredTokenException'),
  DOWN: { status: 503, body: '<html>canary-of-a-page</html>', headers: { 'retry-after': '7' } },
  HTML: { status: 200, body: '<html>canary-of-a-page</html>' },
};

const server = createServer(async (request, response) => {
  const { SecretId } = JSON.parse(Buffer.concat(await request.toArray()).toString());
  if (SecretId === 'HANGING') return;
  if (SecretId === 'ENDLESS') return void pour(response);
  if (SecretId === 'RESET') return void request.socket.resetAndDestroy();
  const isDescribed = request.headers['x-amz-target'].endsWith('DescribeSecret');
  const answer = isDescribed ? { DeletedDate: 1_700_000_000 } : ANSWERS[SecretId];
  const { status = 200, body = JSON.stringify(answer), headers } = answer;
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1', ...headers });
  response.end(body);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit()).resume();

/** Sends while the client reads. */
async function pour(response) {
  const chunk = Buffer.alloc(1_048_576, 'canary');
  response.write('{"SecretString":"');
  while (!response.destroyed) {
    if (response.write(chunk)) continue;
    await Promise.race(['drain', 'close'].map((event) => once(response, event)));
  }
}

function refusal(name, message = '') {
  return { status: 400, body: JSON.stringify({ __type: name, message }) };
}
