import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import { isPlain } from '../../../core/validation/secret-name';

/** Matches the internal paths of the server, which every namespace has, too. A secret name must not lead there. */
const INTERNAL = /(^|\/)(sys|auth)(\/|$)/;

/** Returns whether a name would be internal if its mount were a namespace. */
export function hasInternalPart(name: string): boolean {
  return INTERNAL.test(name);
}

/** Matches an empty part, and a part that a URL resolves. Either would lead out of the mount. */
const UNRESOLVED = /(^|\/)\.{0,2}(\/|$)/;

/**
 * Returns the path of a secret, encoded part by part. The path always stays below its mount.
 *
 * Throws `INVALID_ARGUMENT` for an empty, "." or ".." part, and for a mount in `sys` or `auth`. Below a mount these
 * two are ordinary names.
 */
export function vaultPath(mount: string, ...parts: readonly string[]): string {
  let path = mount;
  for (const part of parts) path += `/${part}`;
  if (isPlain(mount) && mount !== 'sys' && mount !== 'auth' && parts.every(isPlain))
    return `/v1/${path}`;
  const encoded = INTERNAL.test(mount) || UNRESOLVED.test(path) ? undefined : encode(path);
  if (encoded !== undefined) return `/v1/${encoded}`;
  throw new SecretManagerError(
    'INVALID_ARGUMENT',
    `${quoteName(path)} is not the path of a secret. A path has no empty, "." or ".." part, and does not lead into sys or ` +
      'auth.',
  );
}

/** Encodes each part of a path, so that a part stays one part. Throws a `URIError` for half of a surrogate pair. */
export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

function encode(path: string): string | undefined {
  try {
    return encodePath(path);
  } catch {
    return undefined;
  }
}
