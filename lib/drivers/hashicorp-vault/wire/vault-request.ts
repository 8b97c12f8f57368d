export interface VaultRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Encoded, and with its query. */
  readonly path: string;
  readonly token?: string;
  readonly namespace?: string;
  readonly content?: object;
  /** Besides those that every request has. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A denial of it is an answer: nobody needs another token for it. */
  readonly isProbe?: boolean;
  /** Holds what proves who the manager is: it is sent to the address, and to no other node. */
  readonly isLogin?: boolean;
}
