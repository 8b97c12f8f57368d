import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import { isPlain } from '../../../core/validation/secret-name';

/** Hold the server's own affairs, of each namespace too, and these can be named in a path. A name must not lead there. */
const INTERNAL = /(^|\/)(sys|auth)(\/|$)/;

/** Tells whether a name would be one of the server's own affairs, if its mount were a namespace. */
export function hasInternalPart(name: string): boolean {
  return INTERNAL.test(name);
}

/** An empty part, or one that a URL resolves: it would lead out of the mount. */
const UNRESOLVED = /(^|\/)\.{0,2}(\/|$)/;

/**
 * The address of something below a mount, without host. With every part encoded, dots are all that a URL could still resolve,
 * and these are refused: the address has the mount as its beginning, and as many parts as were given. Below the mount of a
 * secrets engine `sys` and `auth` are names like others. Throws `INVALID_ARGUMENT`.
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

/** Every part of it, so that it stays one. Throws a `URIError` for half of a surrogate pair. */
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
