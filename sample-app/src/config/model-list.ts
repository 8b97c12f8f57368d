/** A model of the gateway, and where it is to be had. */
export interface Model {
  /** As callers ask for it. */
  readonly name: string;
  readonly provider: ProviderName;
  /** As the provider calls it. */
  readonly upstreamModel: string;
  /** The name of the secret that holds the provider's key. */
  readonly apiKey?: string;
  readonly apiBase?: string;
  /** How long the provider may be silent. */
  readonly timeoutMs: number;
}

export const PROVIDER_NAMES = ['openai', 'anthropic', 'echo'] as const;

export type ProviderName = (typeof PROVIDER_NAMES)[number];

/** What the configuration file says, found right. */
export class ModelList {
  constructor(readonly models: readonly Model[]) {}

  find(name: string): Model | undefined {
    return this.models.find((model) => model.name === name);
  }

  /** The secrets without which some model could not be used. */
  get secretNames(): string[] {
    return [...new Set(this.models.flatMap(({ apiKey = [] }) => apiKey))];
  }
}
