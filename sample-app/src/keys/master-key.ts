import { createHash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectSecret, Secret } from 'nestjs-custom-secret-manager';
import { SecretHits } from '../status/secret-hits';

/** The key of the operator of the gateway. Without the secret MASTER_KEY, the application does not start. */
@Injectable()
export class MasterKey {
  constructor(
    @InjectSecret('MASTER_KEY') private readonly secret: Secret,
    private readonly hits: SecretHits,
  ) {}

  /** Compares in constant time with the current value, so that a rotation takes effect at once. */
  matches(candidate: string): boolean {
    this.hits.add(this.secret.name);
    return timingSafeEqual(digestOf(candidate), digestOf(this.secret.reveal()));
  }
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
