export interface VaultRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** The encoded path with its query. */
  readonly path: string;
  readonly token?: string;
  readonly namespace?: string;
  readonly content?: object;
  /** The headers beyond those of every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** `true` if a denial is a valid answer, so that no other token is tried. */
  readonly isProbe?: boolean;
  /** `true` if the request carries login credentials. It goes only to the address, and never to another node. */
  readonly isLogin?: boolean;
}
