import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificates } from './certificates';
import { freePort } from './free-port';
import { SealableOpenBao } from './openbao';

/** A server that speaks TLS to applications, and asks them for a certificate; and plain HTTP to the test. */
export async function startTlsOpenBao(certificates: Certificates): Promise<TlsOpenBao> {
  const bao = new TlsOpenBao(await freePort(), await freePort(), certificates);
  await bao.start();
  return bao;
}

export class TlsOpenBao extends SealableOpenBao {
  readonly tlsAddress: string;

  constructor(
    port: number,
    private readonly tlsPort: number,
    private readonly certificates: Certificates,
  ) {
    super(port);
    this.tlsAddress = `https://127.0.0.1:${tlsPort}`;
  }

  protected override configuration(): Readonly<Record<string, unknown>> {
    const plain = super.configuration();
    const { ca, server } = this.certificates;
    const tls = {
      address: `127.0.0.1:${this.tlsPort}`,
      tls_cert_file: this.file('server.pem', server.cert),
      tls_key_file: this.file('server-key.pem', server.key),
      tls_client_ca_file: this.file('ca.pem', ca),
    };
    return { ...plain, listener: [...(plain.listener as object[]), { tcp: tls }] };
  }

  private file(name: string, content: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, content);
    return path;
  }
}
