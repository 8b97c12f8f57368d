import type { Cipher } from './ciphers/cipher';
import { VaultTransitCipher } from './vault-transit/transit.cipher';
import type { VaultTransitOptions } from './vault-transit/vault-transit.options';

/**
 * Decrypts and encrypts with a key of the transit engine of HashiCorp Vault or OpenBao. A ciphertext begins with
 * `vault:v1:`, or a later version. The start reports wrong options.
 */
export function vaultTransit(options: VaultTransitOptions): Cipher {
  return new VaultTransitCipher(options);
}
