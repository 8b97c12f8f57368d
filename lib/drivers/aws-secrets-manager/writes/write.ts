import type { WriteOptions } from '../../../core/contract/custom-secret-manager';

/** A value that is to be a secret's. */
export interface Write {
  readonly name: string;
  readonly value: string;
  /** One for all calls that give the secret its value, so that none of them makes two versions of it. */
  readonly token: string;
  readonly options: WriteOptions;
}

export function toRegions(regions: readonly string[]): { Region: string }[] {
  return regions.map((Region) => ({ Region }));
}
