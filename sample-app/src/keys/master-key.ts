import { createHash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { SecretHits } from '../status/secret-hits';
import { GatewaySecrets } from './gateway-secrets';

/** Compares a key with that of the operator of the gateway. */
@Injectable()
export class MasterKey {
  constructor(
    private readonly secrets: GatewaySecrets,
    private readonly hits: SecretHits,
  ) {}

  /** Compares in constant time with the current value, so that a rotation takes effect at once. */
  matches(candidate: string): boolean {
    const { masterKey } = this.secrets;
    this.hits.add(masterKey.name);
    return timingSafeEqual(digestOf(candidate), digestOf(masterKey.reveal()));
  }
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
