import { SecretManagerError } from '../core/errors/secret-manager.error';

/** Throws if Nest constructs a service itself, because the service is listed in `providers`. */
export function assertMadeByModule(service: string, pipeline: object | undefined): void {
  if (pipeline !== undefined) return;
  throw new SecretManagerError(
    'MISCONFIGURED',
    `${service} stands in \`providers\`, and Nest cannot construct it. Take it out of there, and import ` +
      'SecretManagerModule.forRoot({ manager, isGlobal: true }) in the root module. Without `isGlobal`, import a module that ' +
      're-exports it: exports: [SecretManagerModule].',
    { manager: 'unknown', operation: 'forRoot' },
  );
}
