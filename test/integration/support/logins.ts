import type { Kubernetes } from './kubernetes';
import type { OpenBao } from './openbao';

/** The token of a login. Durations are in the form of the server: `3s`. */
export interface Grants {
  readonly policies: readonly string[];
  readonly ttl?: string;
  readonly maxTtl?: string;
  /** The type of the token. Default `service`. A `batch` token can be neither renewed nor revoked. */
  readonly type?: 'service' | 'batch';
  /** The number of uses of the token. Default: any number. */
  readonly uses?: number;
}

/** Sets up the login methods of a server. */
export class Logins {
  constructor(private readonly bao: OpenBao) {}

  /**
   * Permits logins with both ids, `secretIdUses` times (0: any number). A second call changes the grants of later
   * logins.
   */
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
    // one after the other: the server refuses concurrent ones with 500, "transaction commit failed"
    const answer = await this.bao.expect('POST', `${path}/secret-id`, {});
    const { secret_id: secretId = '' } = dataOf(answer.body);
    return { roleId, secretId };
  }

  /** Resolves to a wrapped secret id of the role. */
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

  /** Permits logins with tokens that the key has signed for the audience `vault`. */
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

  /** Permits logins with certificates of the authority. */
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
