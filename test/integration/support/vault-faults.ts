import type { Received, Reply } from './local-server';

/** A fault. It gets every secret text, and repeats it: the request, and the content of the store. */
type Fault = (everything: string) => Reply | undefined;

const TWO_MB = 2 * 1024 * 1024;

const STATUSES = [400, 401, 403, 404, 405, 408, 412, 413, 429, 472, 473, 500, 501, 502, 503, 504];

const OTHERS: readonly (readonly [string, Fault])[] = [
  ['a dead token', (text) => ({ status: 403, content: { errors: ['permission denied'], text } })],
  ['a reset', () => (response) => response.socket?.resetAndDestroy()],
  ['a hang', () => undefined],
  [
    'half an answer',
    (text) => (response) => {
      response.writeHead(200, { 'content-length': text.length + 10 });
      response.write(text, () => response.destroy());
    },
  ],
  ['invalid JSON', (text) => ({ status: 200, content: text.slice(0, -1) })],
  ['plain text', (text) => ({ status: 200, content: text })],
  ['HTML', (text) => ({ status: 200, content: `<html><body>${text}</body></html>` })],
  ['nothing', () => ({ status: 200 })],
  ['another form', (text) => ({ status: 200, content: { data: [text], auth: text } })],
  ['other types', (text) => ({ status: 200, content: { data: { data: { [text]: 1e21 } } } })],
  ['2 MB', (text) => ({ status: 200, content: text.repeat(TWO_MB / text.length) })],
  ['a redirect', (text) => ({ status: 302, headers: { location: '/elsewhere' }, content: text })],
  [
    'a redirect with credentials',
    (text) => ({
      status: 307,
      headers: { location: `https://admin:${encodeURIComponent(text)}@127.0.0.1:1/` },
    }),
  ],
  [
    'a Retry-After that is none',
    (text) => ({ status: 429, headers: { 'retry-after': encodeURIComponent(text) } }),
  ],
];

/** The ways in which such a server breaks. */
export const VAULT_FAULTS: readonly (readonly [string, Fault])[] = [
  ...STATUSES.map((status): readonly [string, Fault] => [
    String(status),
    (text) => ({ status, content: { errors: [text], warnings: [text], data: { text } } }),
  ]),
  ...OTHERS,
];

export function repeating({ headers, body }: Received, held: string): string {
  return JSON.stringify({ sent: headers, body, held });
}
