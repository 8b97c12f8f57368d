interface Example {
  readonly request: string;
  readonly body?: string;
  readonly about: string;
}

/** What to try, told by `GET /` and when the application starts. */
export const EXAMPLES: readonly Example[] = [
  { request: 'GET /sign/hello', about: 'a signature made with the secret SIGNING_KEY' },
  {
    request: 'POST /secrets/SIGNING_KEY/rotate',
    about: 'a new key; sign again, without a restart',
  },
  { request: 'GET /secrets', about: 'what is cached: names, states and ages, never values' },
  { request: 'PUT /secrets/API_KEY', body: '{"value":"anything"}', about: 'stores a secret' },
  { request: 'GET /secrets/API_KEY', about: 'whether there is such a secret' },
  { request: 'DELETE /secrets/API_KEY', about: 'deletes it' },
  { request: 'GET /health', about: 'readiness: whether the store can serve' },
  { request: 'GET /health/live', about: 'liveness: whatever the store does' },
];

/** The examples as lines for a shell. */
export function toCurl(url: string): string[] {
  return EXAMPLES.map(({ request, body, about }) => {
    const [method = 'GET', path = '/'] = request.split(' ');
    const options = method === 'GET' ? '' : `-X ${method} `;
    const data = body ? ` -H 'content-type: application/json' -d '${body}'` : '';
    return `curl ${options}${url}${path}${data}  # ${about}`;
  });
}
