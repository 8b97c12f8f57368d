import { isUtf8 } from 'node:buffer';
import { isObject, jsonOf, type HttpAnswer } from '../../http/wire/http-request';

/** A version of a secret, as the vault describes it. */
export interface SecretBundle {
  /** Missing in lists and in answers about deleted secrets. */
  readonly value?: string;
  readonly version?: string;
  readonly contentType?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly createdAt?: Date;
  readonly expiresAt?: Date;
  /** The days for which the vault keeps deleted secrets. Missing in a vault that keeps none. */
  readonly recoverableDays?: number;
  /** The time at which a deleted secret is removed. */
  readonly purgeAt?: Date;
  /** `false` if the vault removed a deleted secret at once. */
  readonly isRecoverable: boolean;
}

/** The id of a version ends with its name: 32 hexadecimal digits. */
const VERSION = /\/secrets\/[^/]+\/([0-9a-f]{32})$/i;

/** Returns the secret of an answer, or `undefined` if the answer holds none. */
export function bundleOf(answer: HttpAnswer): SecretBundle | undefined {
  if (answer.statusCode !== 200 || !isUtf8(answer.body)) return undefined;
  return toBundle(jsonOf(answer));
}

/** Returns the versions of a page, or `undefined` if the answer is no page. */
export function versionsOf(
  answer: HttpAnswer,
): { readonly versions: readonly SecretBundle[]; readonly nextLink: unknown } | undefined {
  const { value, nextLink } = jsonOf(answer) ?? {};
  if (answer.statusCode !== 200 || !Array.isArray(value)) return undefined;
  return { versions: value.map(toBundle).filter((one) => one !== undefined), nextLink };
}

function toBundle(content: unknown): SecretBundle | undefined {
  if (!isObject(content) || typeof content.id !== 'string') return undefined;
  const { id, value, contentType, tags, attributes, scheduledPurgeDate, recoveryId } = content;
  const { created, exp, recoverableDays } = isObject(attributes) ? attributes : {};
  return {
    value: typeof value === 'string' ? value : undefined,
    version: VERSION.exec(id)?.[1],
    contentType: typeof contentType === 'string' ? contentType : undefined,
    tags: tagsOf(tags),
    createdAt: dateOf(created),
    expiresAt: dateOf(exp),
    recoverableDays: typeof recoverableDays === 'number' ? recoverableDays : undefined,
    purgeAt: dateOf(scheduledPurgeDate),
    isRecoverable: recoveryId !== undefined,
  };
}

function tagsOf(tags: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(isObject(tags) ? tags : {});
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** @param seconds since 1970 */
function dateOf(seconds: unknown): Date | undefined {
  return typeof seconds === 'number' ? new Date(seconds * 1_000) : undefined;
}
