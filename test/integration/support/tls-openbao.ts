import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import type { Certificates } from './certificates';
import { eventually } from './eventually';
import { freePort } from './free-port';
import { SealableOpenBao } from './openbao';

/** Starts a server with TLS for applications, which asks for a client certificate, and plain HTTP for the test. */
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
    private certificates: Certificates,
  ) {
    super(port);
    this.tlsAddress = `https://127.0.0.1:${tlsPort}`;
  }

  /** Uses another certificate for new connections. */
  async renew(certificates: Certificates): Promise<void> {
    this.certificates = certificates;
    this.configuration();
    await this.signal('SIGHUP');
    await eventually('the certificate is in use', () => this.isTrustedWith(certificates.ca));
  }

  private async isTrustedWith(ca: string): Promise<boolean> {
    const agent = new Agent({ connect: { ca } });
    const asked = request(`${this.tlsAddress}/v1/sys/health`, { dispatcher: agent });
    const isTrusted = await asked.then(
      ({ body }) => body.dump().then(() => true),
      () => false,
    );
    await agent.close();
    return isTrusted;
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
