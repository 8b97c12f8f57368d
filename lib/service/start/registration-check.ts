import type { CustomSecretManager } from '../../core/contract/custom-secret-manager';
import { misconfigured } from '../../policies/boundary.policy';
import type { ResolvedOptions } from '../../secret-manager.options';

/** Lets the manager check the names that the application asks it for. */
export class RegistrationCheck {
  readonly #manager: CustomSecretManager;
  readonly #options: Pick<ResolvedOptions, 'settings' | 'fallback' | 'debug'>;
  readonly #names: Set<string>;

  constructor(
    manager: CustomSecretManager,
    options: Pick<ResolvedOptions, 'settings' | 'fallback' | 'debug'>,
  ) {
    const { hostedKeys = [], primarySecretName } = options.settings;
    this.#manager = manager;
    this.#options = options;
    this.#names = new Set(primarySecretName === undefined ? hostedKeys : [primarySecretName]);
  }

  /**
   * Throws `MISCONFIGURED` if the manager refuses the registration.
   *
   * @param secretNames the further names for which the manager is asked
   */
  assert(secretNames: readonly string[] = []): void {
    const { settings, fallback } = this.#options;
    const { storeVirtualKeys, prefixForStoredVirtualKeys: prefix } = settings;
    const { primarySecretName, description, tags } = settings;
    if (primarySecretName === undefined) for (const name of secretNames) this.#names.add(name);
    const virtualKeyPrefix = storeVirtualKeys ? prefix : undefined;
    try {
      this.#manager.validateRegistration?.({
        secretNames: [...this.#names],
        virtualKeyPrefix,
        fallback,
        description,
        tags,
      });
    } catch (thrown) {
      const context = { manager: this.#manager.secretManagerName, operation: 'forRoot' };
      this.#options.debug?.(thrown, 'validateRegistration');
      throw misconfigured(thrown, context);
    }
  }
}
