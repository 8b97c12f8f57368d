/** The types of `pg` 8 that the recipes use. At run time the recipes load the real package. */
export interface PoolConfig {
  readonly password?: string | (() => string | Promise<string>);
  /** The seconds after which a connection is replaced. */
  readonly maxLifetimeSeconds?: number;
}

export interface PoolClient {
  release(): void;
}

export declare class Pool {
  constructor(config: PoolConfig);
  connect(): Promise<PoolClient>;
  query(sql: string): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): this;
  end(): Promise<void>;
}
