import type { Provider } from '@nestjs/common';
import type { SecretManagerModuleOptions } from '../secret-manager.options';
import { SECRET_MANAGER_OPTIONS } from '../secret-manager.tokens';

/**
 * Keeps the options in a private field, which no inspection of Nest's container reaches. Their environment may
 * hold secrets.
 */
export class HeldOptions {
  readonly #options: SecretManagerModuleOptions;

  constructor(options: SecretManagerModuleOptions) {
    this.#options = options;
  }

  open(): SecretManagerModuleOptions {
    return this.#options;
  }
}

/** Returns the provider. A provider of the options then provides {@link HeldOptions}. */
export function holdOptions(provider: Provider): Provider {
  if (typeof provider === 'function' || provider.provide !== SECRET_MANAGER_OPTIONS)
    return provider;
  if ('useValue' in provider) {
    return {
      ...provider,
      useValue: new HeldOptions(provider.useValue as SecretManagerModuleOptions),
    };
  }
  if (!('useFactory' in provider)) return provider;
  const { useFactory } = provider;
  return {
    ...provider,
    useFactory: async (...injected: unknown[]) =>
      new HeldOptions((await useFactory(...injected)) as SecretManagerModuleOptions),
  };
}
