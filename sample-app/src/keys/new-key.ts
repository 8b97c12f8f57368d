import { randomBytes } from 'node:crypto';

export function makeKey(): string {
  return `sk-${randomBytes(32).toString('base64url')}`;
}
