import type { WriteOptions } from '../../../core/contract/custom-secret-manager';

/** A value to write. */
export interface Write {
  readonly name: string;
  readonly value: string;
  /** The token of all calls of this write, so that they create one version at most. */
  readonly token: string;
  readonly options: WriteOptions;
}

export function toRegions(regions: readonly string[]): { Region: string }[] {
  return regions.map((Region) => ({ Region }));
}
