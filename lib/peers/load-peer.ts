import { createRequire } from 'node:module';
import { isAbsolute, join } from 'node:path';
import { attempt } from '../core/errors/safe-access';
import { SecretManagerError } from '../core/errors/secret-manager.error';

/**
 * Loads a package that only some applications install. Throws `MISCONFIGURED` if it is missing or cannot be loaded. The
 * message has the command that installs it.
 *
 * @param usedBy the part that needs the package, as the subject of a sentence
 */
export function loadPeer<Peer>(name: string, usedBy: string): Peer {
  assertInstalled(name, usedBy);
  try {
    return createRequire(thisFile())(name) as Peer;
  } catch {
    throw broken(name);
  }
}

/** Throws `MISCONFIGURED` for a missing package, with the command that installs it. Loads nothing. */
export function assertInstalled(name: string, usedBy: string): void {
  if (attempt(() => createRequire(thisFile()).resolve(name)) === undefined)
    throw missing(name, usedBy);
}

/** Returns the path of this module, from which its peers are resolved. A bundle may know none. */
function thisFile(): string {
  const path: string | undefined = __filename; // `import.meta.url` in the ES modules
  const isKnown = path?.startsWith('file:') === true || isAbsolute(path ?? '');
  return isKnown ? path : join(process.cwd(), 'index.js');
}

function missing(name: string, usedBy: string): SecretManagerError {
  return misconfigured(`${usedBy} needs the package ${name}. Install it: npm install ${name}`);
}

function broken(name: string): SecretManagerError {
  return misconfigured(
    `The package ${name} cannot be loaded. Install it again, with its optional packages, on the platform where it runs: ` +
      `npm install ${name} --include=optional`,
  );
}

function misconfigured(message: string): SecretManagerError {
  return new SecretManagerError('MISCONFIGURED', message, { operation: 'import' });
}
