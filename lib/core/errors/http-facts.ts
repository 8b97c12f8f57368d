import { attempt, read } from './safe-access';

/** Returns the first `Retry-After` of a `Headers` object or of a plain one, unparsed. */
export function retryAfterHeader(headers: unknown): unknown {
  const get = read(headers, 'get');
  const value =
    typeof get === 'function'
      ? attempt(() => get.call(headers, 'retry-after') as unknown)
      : (read(headers, 'retry-after') ?? read(headers, 'Retry-After'));
  return Array.isArray(value) ? value[0] : value;
}

/** Returns where the clients keep the HTTP status of an error, some `undefined`. */
export function statusesOf(error: unknown): readonly unknown[] {
  const response = read(error, 'response');
  return [
    read(error, 'status'),
    read(error, 'statusCode'),
    read(response, 'status'),
    read(response, 'statusCode'),
    read(read(error, '$metadata'), 'httpStatusCode'),
  ];
}
