/**
 * A fake of Parameter Store over HTTP in its own process. The name of a parameter determines its answer. Prints its port,
 * and ends with its parent process.
 */
import { createServer } from 'node:http';

const ANSWERS = {
  TEXT: { Parameter: { Name: 'TEXT', Value: 'value of TEXT', Version: 7 } },
  'TEXT:2': { Parameter: { Name: 'TEXT', Value: 'an older value', Version: 2 } },
  'TEXT:live': { Parameter: { Name: 'TEXT', Value: 'a labelled value', Version: 3 } },
  '/app/PATH': { Parameter: { Name: '/app/PATH', Value: 'value of a path', Version: 1 } },
  NEITHER: {},
  ABSENT: refusal('ParameterNotFound'),
  'TEXT:9': refusal('ParameterVersionNotFound'),
  DENIED: refusal('AccessDeniedException', 'User: canary-of-a-user is not authorized to perform'),
  THROTTLED: { ...refusal('ThrottlingException'), headers: { 'retry-after': '3' } },
  KEY: refusal('InvalidKeyId', 'canary-of-a-key'),
  DOWN: { status: 503, body: '<html>canary-of-a-page</html>', headers: { 'retry-after': '7' } },
  HTML: { status: 200, body: '<html>canary-of-a-page</html>' },
};

const server = createServer(async (request, response) => {
  const { Name, WithDecryption } = JSON.parse(Buffer.concat(await request.toArray()).toString());
  if (Name === 'HANGING') return;
  if (Name === 'RESET') return void request.socket.resetAndDestroy();
  const answer = WithDecryption === true ? ANSWERS[Name] : refusal('NotDecrypted');
  const { status = 200, body = JSON.stringify(answer), headers } = answer;
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1', ...headers });
  response.end(body);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit()).resume();

function refusal(name, message = '') {
  return { status: 400, body: JSON.stringify({ __type: name, message }) };
}
