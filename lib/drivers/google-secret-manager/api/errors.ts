import type { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { GOOGLE_ROWS, googleMessage, googleReasons } from '../../google/errors/google-errors';
import type { HttpAnswer } from '../../http/wire/http-request';
import type { ErrorRow } from '../../http/wire/answer-rows';
import { storeError } from '../../http/wire/store-errors';

/** The role of an operation. */
export type Role = 'secretAccessor' | 'viewer' | 'secretVersionAdder' | 'admin';

const STATE_OF_VERSION = /\bis in (DISABLED|DESTROYED) state\b/;

const ROWS: readonly ErrorRow[] = [
  [
    400,
    /\bDISABLED$/,
    'NOT_FOUND',
    'the version is disabled. Enable it, or add a version: the latest one counts, enabled or not',
  ],
  [
    400,
    /\bDESTROYED$/,
    'NOT_FOUND',
    'the version is destroyed. Add a version: the latest one counts, destroyed or not',
  ],
];

const ROWS_OF_ACCESS: readonly ErrorRow[] = [
  [
    400,
    /\bFAILED_PRECONDITION\b/,
    'NOT_FOUND',
    'the version is disabled or destroyed, or its key cannot be used. Look at its state, or add a version',
  ],
];

const ROWS_OF_WRITES: readonly ErrorRow[] = [
  [
    400,
    /\bFAILED_PRECONDITION\b/,
    'MISCONFIGURED',
    'the state of the secret or a policy of the organisation forbids it, as one of locations does. Look at both, and at `replication`',
  ],
];

/**
 * Returns the error for an answer. `subject` starts the message and names the request.
 *
 * @param role the role that permits the request
 */
export function secretError(answer: HttpAnswer, subject: string, role: Role): SecretManagerError {
  const rows = [
    ...ROWS,
    ...(role === 'secretAccessor' ? ROWS_OF_ACCESS : ROWS_OF_WRITES),
    ...GOOGLE_ROWS,
    denialRow(role),
  ];
  const dialect = { store: 'Google Secret Manager', rows, reasonOf };
  return storeError(answer, subject, dialect);
}

/** Returns whether Google has no such secret, or no such version. Other servers answer 404 as well. */
export function isMissing(answer: HttpAnswer): boolean {
  return answer.statusCode === 404 && googleReasons(answer) !== undefined;
}

/** Returns whether a secret of this name exists already. */
export function existsAlready(answer: HttpAnswer): boolean {
  return answer.statusCode === 409 && /\bALREADY_EXISTS\b/.test(googleReasons(answer) ?? '');
}

/** Returns whether the secret was changed after its etag was read. */
export function hasOtherEtag(answer: HttpAnswer): boolean {
  const reasons = googleReasons(answer) ?? '';
  return (
    ([409, 412].includes(answer.statusCode) && reasons !== '') ||
    (answer.statusCode === 400 && /\bFAILED_PRECONDITION\b/.test(reasons))
  );
}

/** Returns the reasons, and the state of a version that cannot be read. */
function reasonOf(answer: HttpAnswer): string | undefined {
  const reasons = googleReasons(answer);
  const state = STATE_OF_VERSION.exec(googleMessage(answer))?.[1];
  return reasons === undefined || state === undefined ? reasons : `${reasons} ${state}`;
}

function denialRow(role: Role): ErrorRow {
  return [
    403,
    /./,
    'ACCESS_DENIED',
    `Google denies it, or the secret does not exist. Grant roles/secretmanager.${role}: with a grant on the project a missing secret is told apart, with a grant on single secrets it is not`,
  ];
}
