import type { Kubernetes } from './kubernetes';
import type { OpenBao } from './openbao';

/** What a login grants. Durations are the server's: `3s`. */
export interface Grants {
  readonly policies: readonly string[];
  readonly ttl?: string;
  readonly maxTtl?: string;
  /** Default `service`; a `batch` token can be neither renewed nor revoked. */
  readonly type?: 'service' | 'batch';
  /** How often a token may be used. Default: any number of times. */
  readonly uses?: number;
}

/** Makes the ways to log in at a server. */
export class Logins {
  constructor(private readonly bao: OpenBao) {}

  /** Lets in whoever shows both ids, `secretIdUses` times (0: any number). Called again, it changes what a login grants from then on. */
  async appRole(
    role: string,
    grants: Grants,
    { mount = 'approle', secretIdUses = 0 } = {},
  ): Promise<{ readonly roleId: string; readonly secretId: string }> {
    await this.enable('approle', mount);
    const path = `auth/${mount}/role/${role}`;
    const content = { ...tokenOf(grants), secret_id_num_uses: secretIdUses };
    await this.bao.expect('POST', path, content);
    const { role_id: roleId = '' } = dataOf((await this.bao.expect('GET', `${path}/role-id`)).body);
    // one after the other: at the same moment the server refuses one with 500, "transaction commit failed"
    const answer = await this.bao.expect('POST', `${path}/secret-id`, {});
    const { secret_id: secretId = '' } = dataOf(answer.body);
    return { roleId, secretId };
  }

  /** A secret id of the role that is only to be had by who unwraps it. */
  async wrappedSecretId(role: string): Promise<string> {
    const path = `auth/approle/role/${role}/secret-id`;
    const { body } = await this.bao.expect('POST', path, {}, { 'x-vault-wrap-ttl': '60s' });
    return (body as { wrap_info: { token: string } }).wrap_info.token;
  }

  async user(username: string, password: string, grants: Grants): Promise<void> {
    await this.enable('userpass');
    const content = { password, ...tokenOf(grants) };
    await this.bao.expect('POST', `auth/userpass/users/${username}`, content);
  }

  /** Lets in whoever shows a token that the key has signed for the audience `vault`. */
  async jwtRole(role: string, publicKey: string, grants: Grants): Promise<void> {
    await this.enable('jwt');
    await this.bao.expect('POST', 'auth/jwt/config', {
      jwt_validation_pubkeys: [publicKey],
      jwt_supported_algs: ['ES256'],
    });
    await this.bao.expect('POST', `auth/jwt/role/${role}`, {
      role_type: 'jwt',
      user_claim: 'sub',
      bound_audiences: ['vault'],
      ...tokenOf(grants),
    });
  }

  async kubernetesRole(role: string, cluster: Kubernetes, grants: Grants): Promise<void> {
    await this.enable('kubernetes');
    await this.bao.expect('POST', 'auth/kubernetes/config', {
      kubernetes_host: cluster.address,
      kubernetes_ca_cert: 'of no use: the fake speaks plain HTTP',
      disable_local_ca_jwt: true,
    });
    await this.bao.expect('POST', `auth/kubernetes/role/${role}`, {
      bound_service_account_names: [cluster.account.name],
      bound_service_account_namespaces: [cluster.account.namespace],
      ...tokenOf(grants),
    });
  }

  /** Lets in whoever shows a certificate that the authority has issued. */
  async certificateRole(role: string, ca: string, grants: Grants): Promise<void> {
    await this.enable('cert');
    const content = { certificate: ca, ...tokenOf(grants) };
    await this.bao.expect('POST', `auth/cert/certs/${role}`, content);
  }

  private async enable(type: string, mount = type): Promise<void> {
    const { body } = await this.bao.expect('GET', 'sys/auth');
    if (`${mount}/` in body) return;
    await this.bao.expect('POST', `sys/auth/${mount}`, { type });
  }
}

function tokenOf({ policies, ttl, maxTtl, type, uses }: Grants): object {
  return {
    token_policies: policies,
    token_ttl: ttl,
    token_max_ttl: maxTtl,
    token_type: type,
    token_num_uses: uses,
  };
}

function dataOf(body: object): Readonly<Record<string, string | undefined>> {
  return (body as { data: Record<string, string> }).data;
}
