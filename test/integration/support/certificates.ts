import type { OpenBao } from './openbao';

/** A certificate and its key as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  readonly ca: string;
  readonly server: Certificate;
  readonly client: Certificate;
}

/** Makes a server create an authority, which issues one certificate for a server on loopback and one for a client. */
export async function issueCertificates(bao: OpenBao, mount: string): Promise<Certificates> {
  await bao.expect('POST', `sys/mounts/${mount}`, { type: 'pki' });
  const { body } = await bao.expect('POST', `${mount}/root/generate/internal`, {
    common_name: `Authority ${mount}`,
    key_type: 'ec',
    ttl: '24h',
  });
  await bao.expect('POST', `${mount}/roles/any`, {
    allow_any_name: true,
    enforce_hostnames: false,
    allow_ip_sans: true,
    key_type: 'ec',
  });
  const issue = async (request: object): Promise<Certificate> => {
    const issued = await bao.expect('POST', `${mount}/issue/any`, { ttl: '12h', ...request });
    const { certificate, private_key: key } = dataOf(issued.body);
    return { cert: certificate ?? '', key: key ?? '' };
  };
  return {
    ca: dataOf(body).certificate ?? '',
    server: await issue({ common_name: 'localhost', ip_sans: '127.0.0.1' }),
    client: await issue({ common_name: 'app.example' }),
  };
}

function dataOf(body: object): Readonly<Record<string, string | undefined>> {
  return (body as { data: Record<string, string> }).data;
}
