/**
 * A fake of Google KMS over HTTP in its own process, as its public protocol says: an empty plaintext is left out, and
 * checksums are decimal strings. The name of a key determines its state. Prints its port, and ends with its parent.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

const STATES = {
  disabled: failure(400, 'FAILED_PRECONDITION', 'canary: version 1 is not enabled'),
  missing: failure(404, 'NOT_FOUND', 'canary: CryptoKey not found.'),
  denied: failure(403, 'PERMISSION_DENIED', 'canary: Permission denied (or it may not exist).'),
  off: failure(403, 'PERMISSION_DENIED', 'canary: the API is disabled', 'SERVICE_DISABLED'),
  busy: { ...failure(429, 'RESOURCE_EXHAUSTED', 'canary'), headers: { 'retry-after': '3' } },
  down: { status: 503, body: '<html>canary-of-a-page</html>' },
  page: { status: 404, body: '<html>canary-of-a-page</html>' },
  damaged: { status: 200, body: { plaintext: 'YQ==', plaintextCrc32c: '1' } },
  nonsense: { status: 200, body: { plaintext: 42 } },
  unverified: { status: 200, body: { ciphertext: 'YQ==' } },
};

const server = createServer(async (request, response) => {
  const text = Buffer.concat(await request.toArray()).toString();
  const { status = 200, headers, body } = answer(request, text ? JSON.parse(text) : {});
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit()).resume();

function answer({ method, url, headers }, content) {
  if (headers.authorization !== 'Bearer token-of-the-test') {
    return failure(401, 'UNAUTHENTICATED', 'canary: no credentials');
  }
  const [, key, action] = /\/cryptoKeys\/([\w-]+)(?::(\w+))?(?:\?|$)/.exec(url) ?? [];
  const state = STATES[key];
  if (state !== undefined) return state;
  if (method === 'GET')
    return { body: { name: url.slice('/v1/'.length), purpose: 'ENCRYPT_DECRYPT' } };
  const aad = Buffer.from(content.additionalAuthenticatedData ?? '', 'base64');
  const sealing = createHash('sha256').update(key).digest();
  const field = action === 'encrypt' ? 'plaintext' : 'ciphertext';
  const bytes = Buffer.from(content[field] ?? '', 'base64');
  if (String(crc32c(bytes)) !== String(content[`${field}Crc32c`])) {
    return failure(400, 'INVALID_ARGUMENT', 'canary: the checksum did not match');
  }
  return action === 'encrypt' ? encrypt(bytes, aad, sealing, key) : decrypt(bytes, aad, sealing);
}

function encrypt(bytes, aad, sealing, key) {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', sealing, nonce).setAAD(aad);
  const sealed = Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
  const ciphertextCrc32c = String(crc32c(sealed));
  const ciphertext = sealed.toString('base64');
  return { body: { name: key, ciphertext, ciphertextCrc32c, verifiedPlaintextCrc32c: true } };
}

function decrypt(bytes, aad, sealing) {
  try {
    const decipher = createDecipheriv('aes-256-gcm', sealing, bytes.subarray(0, 12)).setAAD(aad);
    decipher.setAuthTag(bytes.subarray(-16));
    const opened = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
    const plaintext = opened.length === 0 ? {} : { plaintext: opened.toString('base64') };
    return { body: { ...plaintext, plaintextCrc32c: String(crc32c(opened)), usedPrimary: true } };
  } catch {
    return failure(400, 'INVALID_ARGUMENT', 'canary: Decryption failed: verify the key');
  }
}

function failure(status, name, message, reason) {
  const details = reason ? [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason }] : [];
  return { status, body: { error: { code: status, message, status: name, details } } };
}

function crc32c(bytes) {
  let remainder = 0xffffffff;
  for (const byte of bytes) {
    remainder ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      remainder = (remainder >>> 1) ^ (remainder & 1 ? 0x82f63b78 : 0);
    }
  }
  return (remainder ^ 0xffffffff) >>> 0;
}
