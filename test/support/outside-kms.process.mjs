/**
 * A fake of AWS KMS over HTTP in its own process. The text in a ciphertext determines its answer. Prints its port, and
 * ends with its parent process.
 */
import { createServer } from 'node:http';

const ANSWERS = {
  'sealed text': { Plaintext: base64('text') },
  LATIN: { Plaintext: Buffer.from([0xe4]).toString('base64') },
  NEITHER: {},
  GARBAGE: refusal('InvalidCiphertextException'),
  DENIED: refusal('AccessDeniedException', 'User: canary-of-a-user is not authorized to perform'),
  DISABLED: refusal('DisabledException', 'canary-of-a-key'),
  THROTTLED: { ...refusal('ThrottlingException'), headers: { 'retry-after': '3' } },
  DOWN: { status: 503, body: '<html>canary-of-a-page</html>' },
};

const server = createServer(async (request, response) => {
  const input = JSON.parse(Buffer.concat(await request.toArray()).toString());
  const text = Buffer.from(input.CiphertextBlob, 'base64').toString();
  if (text === 'HANGING') return;
  const isBound = input.KeyId === 'alias/app' && input.EncryptionContext?.app === 'test';
  const answer = isBound ? ANSWERS[text] : refusal('NotBound');
  const { status = 200, body = JSON.stringify(answer), headers } = answer;
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1', ...headers });
  response.end(body);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit()).resume();

function base64(text) {
  return Buffer.from(text).toString('base64');
}

function refusal(name, message = '') {
  return { status: 400, body: JSON.stringify({ __type: name, message }) };
}
