import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { type ChatRequest } from './chat/chat-request';
import { type Model } from './config/model-list';
import { bearerOf } from './keys/bearer';
import { EchoProvider } from './providers/echo.provider';

/**
 * A provider for trying key rotations. It answers with its input, in the form of OpenAI, and only to requests with
 * one of its keys.
 *
 * | request                     | answer                             |
 * | --------------------------- | ---------------------------------- |
 * | `POST /keys`                | a new key; the keys before it stay |
 * | `DELETE /keys/old`          | every key but the newest ends      |
 * | `POST /v1/chat/completions` | the input, or 401 for another key  |
 */
function startEchoServer(port: number): void {
  const keys: string[] = [];
  const echo = new EchoProvider();

  const completion = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const key = bearerOf(request);
    const chat = JSON.parse(await text(request)) as ChatRequest;
    if (key === undefined || !keys.includes(key)) {
      const error = { message: 'Incorrect API key provided.', type: 'invalid_request_error' };
      response.writeHead(401, JSON_TYPE).end(JSON.stringify({ error }));
      return;
    }
    const model: Model = { ...ECHO, name: chat.model };
    const call = { chat, model, signal: new AbortController().signal };
    if (!chat.stream) {
      response.writeHead(200, JSON_TYPE).end(JSON.stringify(await echo.complete(call)));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for await (const chunk of await echo.stream(call))
      response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    response.end('data: [DONE]\n\n');
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const route = `${request.method} ${request.url}`;
    if (route === 'POST /v1/chat/completions') return await completion(request, response);
    if (route === 'POST /keys') {
      const key = `sk-echo-${randomBytes(24).toString('base64url')}`;
      keys.push(key);
      response.end(key);
    } else if (route === 'DELETE /keys/old') {
      keys.splice(0, keys.length - 1);
      response.end();
    } else response.writeHead(404).end();
  };

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.writeHead(400).end());
  });
  server.listen(port, '127.0.0.1', () => {
    console.log(`The echo provider listens at http://127.0.0.1:${port}.`);
  });
}

const ECHO = { provider: 'echo', upstreamModel: 'echo', timeoutMs: 0 } as const;
const JSON_TYPE = { 'content-type': 'application/json' };

startEchoServer(Number(process.env.ECHO_PORT ?? 3001));
