import type { ModulesContainer } from '@nestjs/core';
import { quoteName } from '../core/errors/wording';
import { Fleet } from '../fleet/engine/fleet';
import type { SecretPipeline } from '../policies/compose';
import type { ResolvedOptions } from '../secret-manager.options';
import { misconfigured } from './misconfigured';
import { DEFAULT_MANAGER, getRegistrationToken, registeredNames } from '../secret-manager.tokens';

/** Returns the fleet of a registration, if its options have one. */
export function createFleet(
  { fleet }: ResolvedOptions,
  { changes, outermost }: SecretPipeline,
  name = DEFAULT_MANAGER,
  warn: (message: string) => void,
): Fleet | undefined {
  if (fleet === undefined) return undefined;
  const { id = name } = fleet;
  return new Fleet({ ...fleet, id, changes, warn, manager: outermost.secretManagerName });
}

/**
 * Throws `MISCONFIGURED` if two registrations have one fleet id and different keys: they would drop each other's
 * messages.
 */
export function assertOneKeyPerFleet(modules: ModulesContainer): void {
  const fleets = fleetsOf(modules);
  for (const [name, fleet] of fleets) {
    const first = fleets.find(([, one]) => one.id === fleet.id && one.hasOtherKeyThan(fleet));
    if (first === undefined) continue;
    throw misconfigured(
      'forRoot',
      `The registrations ${quoteName(first[0])} and ${quoteName(name)} have one fleet, ${quoteName(fleet.id)}, and different ` +
        'keys. Give both the same `fleet.key`, or each a `fleet.id` of its own.',
    );
  }
}

function fleetsOf(modules: ModulesContainer): readonly (readonly [name: string, fleet: Fleet])[] {
  const all = [...modules.values()];
  return registeredNames(all).flatMap((name) => {
    const token = getRegistrationToken(name);
    const instances = all.map(({ providers }): unknown => providers.get(token)?.instance);
    const made = instances.find((instance) => instance !== undefined && instance !== null);
    const { fleet } = (made ?? {}) as { fleet?: Fleet };
    return fleet === undefined ? [] : [[name, fleet] as const];
  });
}
