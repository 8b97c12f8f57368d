import type { HttpAnswer } from '../../http/wire/http-request';

/** Matches the resource or the scope in a challenge for a bearer token. */
const NAMED = /\b(?:resource|scope)=(?:"([^"]*)"|([^\s",]+))/gi;
/** Matches a challenge for a bearer token, also behind one of another scheme. */
const BEARER = /(?:^|,)\s*bearer\b/i;

/** Returns the resources that a refusal asks a token for. The challenge is compared, and never followed. */
export function challengedResources({ statusCode, headers }: HttpAnswer): readonly string[] {
  const challenge = String(headers['www-authenticate'] ?? '');
  if (statusCode !== 401 || !BEARER.test(challenge)) return [];
  return [...challenge.matchAll(NAMED)].map(([, quoted, bare = '']) => plain(quoted ?? bare));
}

/** Returns whether a vault asks for tokens of another resource. It is of another cloud, or no vault. */
export function asksForOtherResource(answer: HttpAnswer, resource: string): boolean {
  return challengedResources(answer).some((named) => named !== resource);
}

function plain(resource: string): string {
  return resource
    .toLowerCase()
    .replace(/\/\.default$/, '')
    .replace(/\/$/, '');
}
