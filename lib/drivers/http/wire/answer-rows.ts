import type { SecretManagerErrorCode } from '../../../core/errors/secret-manager.error';

/** The meaning of an answer. The first row that matches decides. No text of an answer goes into an error. */
export type Row<When> = readonly [
  /** One status, or the first and last of a range. */
  status: number | readonly [number, number],
  when: When,
  code: SecretManagerErrorCode,
  meaning: string,
];

export type ErrorRow = Row<Condition>;

/**
 * The answers of a status that a row is about. A pattern matches the reasons that the store gives. `foreign`: the
 * answer comes from something else, such as a proxy, a firewall or a web server.
 */
export type Condition = RegExp | 'any' | 'foreign';

/**
 * Returns the code and the meaning of an answer with this status that comes from something else than the store.
 *
 * @param address what to check if something else answers there
 */
export function foreignAnswer(
  store: string,
  statusCode: number,
  address: string,
): { readonly code: SecretManagerErrorCode; readonly meaning: string } {
  const rows = commonRows(store, address);
  const [, , code, meaning] = findRow(rows, { statusCode }, 'any', (when) => fits(when, undefined));
  return { code, meaning };
}

/** Returns the first row about the status whose condition is met. `when` is that of a row for no rule. */
export function findRow<When>(
  rows: readonly Row<When>[],
  { statusCode }: { readonly statusCode: number },
  when: When,
  isMet: (when: When) => boolean,
): Row<When> {
  const row = rows.find(([status, condition]) => isAbout(status, statusCode) && isMet(condition));
  return row ?? [0, when, 'UNKNOWN', 'the answer fits no rule'];
}

/** The rows that hold for every store. */
export function commonRows(store: string, address = 'the address'): readonly ErrorRow[] {
  const notTheApi = `what answers there is not the API of ${store}`;
  return [
    [[200, 299], 'any', 'MALFORMED', `${notTheApi}, or the answer is not complete`],
    [
      [300, 399],
      'any',
      'MISCONFIGURED',
      `${notTheApi}: it sends callers elsewhere, and no redirect is followed. Check ${address}`,
    ],
    [400, 'foreign', 'MISCONFIGURED', `${notTheApi}, and refuses the request. Check ${address}`],
    [400, 'any', 'INVALID_ARGUMENT', 'the store refused the request as wrong'],
    [
      [401, 403],
      'foreign',
      'UNAVAILABLE',
      `a firewall or a proxy in front of the store refused the request: the answer is not one of ${store}. Have it let the request pass`,
    ],
    [401, 'any', 'UNAUTHENTICATED', 'the store does not accept the token. Check the login'],
    [403, 'any', 'ACCESS_DENIED', 'the login is not allowed this. Grant it'],
    [[404, 405], 'foreign', 'MISCONFIGURED', `${notTheApi}. Check ${address}`],
    [404, 'any', 'NOT_FOUND', 'there is no such secret'],
    [408, 'any', 'TIMEOUT', 'the store gave up waiting'],
    [409, 'any', 'CONFLICT', 'it exists already, or was changed meanwhile'],
    [412, 'any', 'CONFLICT', 'it was changed meanwhile'],
    [413, 'any', 'INVALID_ARGUMENT', 'the store takes no value of this size'],
    [425, 'any', 'UNAVAILABLE', 'the store asks to be asked again'],
    [429, 'any', 'THROTTLED', 'the store asks for fewer calls'],
    [501, 'any', 'UNSUPPORTED', 'the store cannot do this'],
    [504, 'any', 'TIMEOUT', 'the store, or a proxy in front of it, gave up waiting'],
    [[500, 599], 'any', 'UNAVAILABLE', 'the store cannot answer now'],
    [[400, 499], 'foreign', 'UNAVAILABLE', 'a firewall or a proxy refused the request'],
    [[400, 499], 'any', 'UNKNOWN', 'the store refused it'],
  ];
}

function isAbout(status: Row<unknown>[0], statusCode: number): boolean {
  const [first, last] = typeof status === 'number' ? [status, status] : status;
  return first <= statusCode && statusCode <= last;
}

/** Returns whether a condition is met. `reason` is `undefined` for an answer that is not the store's. */
export function fits(when: Condition, reason: string | undefined): boolean {
  if (when === 'any') return true;
  if (when === 'foreign') return reason === undefined;
  return reason !== undefined && when.test(reason);
}
