/** Certificates and key in PEM, as text or as the path of a file. A changed file is read again. */
export interface TlsOptions {
  readonly ca?: string;
  readonly caFile?: string;
  readonly cert?: string;
  readonly certFile?: string;
  readonly key?: string;
  readonly keyFile?: string;
}
