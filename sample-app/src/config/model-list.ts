/** A model of the gateway, and its provider. */
export interface Model {
  /** The name by which callers ask for it. */
  readonly name: string;
  readonly provider: ProviderName;
  /** The name at the provider. */
  readonly upstreamModel: string;
  /** The name of the secret that holds the provider's key. */
  readonly apiKey?: string;
  readonly apiBase?: string;
  /** The longest silence of the provider. */
  readonly timeoutMs: number;
}

export const PROVIDER_NAMES = ['openai', 'anthropic', 'echo'] as const;

export type ProviderName = (typeof PROVIDER_NAMES)[number];

/** The valid content of the configuration file. */
export class ModelList {
  constructor(readonly models: readonly Model[]) {}

  find(name: string): Model | undefined {
    return this.models.find((model) => model.name === name);
  }

  /** The names of the secrets that the models need. */
  get secretNames(): string[] {
    return [...new Set(this.models.flatMap(({ apiKey = [] }) => apiKey))];
  }
}
