import {
  SecretsService,
  VirtualKeysService,
  type CustomSecretManager,
  type SecretManagerModuleOptions,
} from 'nestjs-custom-secret-manager';
import { Fleet } from '../../../lib/fleet/engine/fleet';
import { compose } from '../../../lib/policies/compose';
import { resolveOptions } from '../../../lib/secret-manager.options';
import type { Bus, BusTransport } from './bus';

export const KEY = 'a key of more than 16 bytes';

/** One instance of an application, without Nest. */
export interface Instance {
  readonly secrets: SecretsService;
  readonly virtualKeys: VirtualKeysService;
  readonly transport: BusTransport;
  readonly pipeline: ReturnType<typeof compose>;
  readonly warnings: string[];
  close(): Promise<void>;
}

export async function startInstance(
  manager: CustomSecretManager,
  bus: Bus,
  {
    transport = bus.transport(),
    fleet = {},
    ...given
  }: Omit<SecretManagerModuleOptions, 'fleet'> & {
    readonly transport?: BusTransport;
    readonly fleet?: Partial<NonNullable<SecretManagerModuleOptions['fleet']>>;
  } = {},
): Promise<Instance> {
  const options = resolveOptions(
    {
      settings: { accessMode: 'read_and_write', storeVirtualKeys: true },
      environment: {},
      ...given,
      fleet: { transport, key: KEY, spreadMs: 0, ...fleet },
    },
    manager,
  );
  const warnings: string[] = [];
  const warn = (message: string): void => void warnings.push(message);
  const { primarySecretName } = options.settings;
  const pipeline = compose(manager, { ...options, primarySecretName });
  if (options.fleet === undefined) throw new Error('there is no fleet');
  const joined = new Fleet({
    ...options.fleet,
    id: options.fleet.id ?? 'default',
    manager: manager.secretManagerName,
    changes: pipeline.changes,
    warn,
  });
  await joined.start();
  return {
    secrets: new SecretsService(pipeline, options, warn, { fleetStatus: () => joined.status }),
    virtualKeys: new VirtualKeysService(pipeline, options),
    transport,
    pipeline,
    warnings,
    close: async () => {
      await Promise.all([joined.close(), pipeline.close()]);
    },
  };
}
