import { createHmac, randomBytes } from 'node:crypto';
import { isSameDigest } from './key-digest';

const RANDOM_BYTES = 32;
const TAG_LENGTH = 22; // 128 bits in base64url
const FORM = /^(sk-[\w-]{43})([\w-]{22})$/;

/** Returns a key of 256 random bits, `sk-…`. Only the holder of `signingKey` can make the tag at its end. */
export function makeTaggedKey(signingKey: string): string {
  const key = `sk-${randomBytes(RANDOM_BYTES).toString('base64url')}`;
  return `${key}${tagOf(key, signingKey)}`;
}

export function makeSigningKey(): string {
  return randomBytes(RANDOM_BYTES).toString('base64url');
}

/** Tells whether a candidate has the form of a tagged key. Does not check the tag. */
export function hasTaggedForm(candidate: string): boolean {
  return FORM.test(candidate);
}

export function hasValidTag(candidate: string, signingKey: string): boolean {
  const [, key = '', tag = ''] = FORM.exec(candidate) ?? [];
  return key !== '' && isSameDigest(tag, tagOf(key, signingKey));
}

function tagOf(key: string, signingKey: string): string {
  return createHmac('sha256', signingKey).update(key).digest('base64url').slice(0, TAG_LENGTH);
}
