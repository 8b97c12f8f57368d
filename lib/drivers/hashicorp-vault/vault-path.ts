import { SecretManagerError } from '../../core/secret-manager.error';
import { quoteName } from '../../core/secret-name';

/** Hold the server's own affairs: a name must not lead there. */
const INTERNAL = /^(sys|auth)$/;

/**
 * The address of something below a mount, without host. Every segment is encoded, and the whole is looked at as a URL once
 * more: `new URL` resolves `..`, so that a name could leave its mount. Throws `INVALID_ARGUMENT`.
 */
export function vaultPath(mount: string, ...parts: readonly (string | undefined)[]): string {
  const below = parts.filter((part) => part !== undefined).join('/');
  const path = encode(`${mount}/${below}`);
  const isWhole = path !== undefined && new URL(path, 'http://localhost').pathname === path;
  const [first = ''] = mount.split('/');
  if (isWhole && !INTERNAL.test(first) && !/\/(\/|$)/.test(path)) return path;
  throw new SecretManagerError(
    'INVALID_ARGUMENT',
    `${quoteName(`${mount}/${below}`)} is not the path of a secret. A path has no empty, "." or ".." part, and does not ` +
      'begin with sys or auth.',
  );
}

function encode(path: string): string | undefined {
  try {
    return `/v1/${path.split('/').map(encodeURIComponent).join('/')}`;
  } catch {
    return undefined; // half of a surrogate pair
  }
}
