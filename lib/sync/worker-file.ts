import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Returns the path of a worker beside a module, or `undefined` in a bundle that knows no such path.
 *
 * @param module `__filename`: a path in the CommonJS build, `import.meta.url` in the ES modules
 */
export function workerFile(module: string | undefined, worker: string): string | undefined {
  const path = module?.startsWith('file:') ? fileURLToPath(module) : module;
  return path !== undefined && isAbsolute(path) ? join(dirname(path), worker) : undefined;
}
