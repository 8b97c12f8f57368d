/** A minimal KV 2 server in the form of HashiCorp Vault. It does little, so that the client is measured. */
import { createServer } from 'node:http';

const secret = Buffer.from(
  JSON.stringify({
    request_id: '6114b3e1-8c24-6e92-feb7-03375bdf59a3',
    lease_id: '',
    renewable: false,
    lease_duration: 0,
    data: {
      data: { value: 'sk-proj-0123456789abcdefghijklmnopqrstuvwxyz' },
      metadata: {
        created_time: '2026-01-01T00:00:00.000000000Z',
        custom_metadata: null,
        deletion_time: '',
        destroyed: false,
        version: 1,
      },
    },
    wrap_info: null,
    warnings: null,
    auth: null,
  }),
);
const login = Buffer.from(
  JSON.stringify({ auth: { client_token: 's.bench', lease_duration: 3_600, renewable: true } }),
);

const server = createServer((request, response) => {
  request.resume();
  const body = request.url.startsWith('/v1/auth/') ? login : secret;
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
});
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
process.on('disconnect', () => process.exit());
