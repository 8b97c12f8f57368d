import type { CustomSecretManager } from 'nestjs-custom-secret-manager';
import type { ConformanceHarness } from 'nestjs-custom-secret-manager/testing';
import { compose } from '../../lib/policies/compose';
import { resolveOptions } from '../../lib/secret-manager.options';

/** Wraps the manager of a harness in every policy. */
export function wrapped(harness: ConformanceHarness): ConformanceHarness {
  const wrap = (manager: CustomSecretManager): CustomSecretManager => {
    const options = resolveOptions({ retry: { baseDelayMs: 1 }, timeoutMs: 4_000 }, manager);
    return compose(manager, options).outermost;
  };
  return { ...harness, create: async () => wrap(await harness.create()) };
}
