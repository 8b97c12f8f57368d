import type { Kubernetes } from './kubernetes';
import type { OpenBao } from './openbao';

/** What a login grants. Durations are the server's: `3s`. */
export interface Grants {
  readonly policies: readonly string[];
  readonly ttl?: string;
  readonly maxTtl?: string;
}

/** Ways to log in at a server, each of which is made with its own mount, so that tests do not meet. */
export class Logins {
  constructor(private readonly bao: OpenBao) {}

  /** A role that any number of instances may log in with; `uses` bounds how often its secret id is good. */
  async appRole(
    role: string,
    grants: Grants,
    { uses = 0, mount = 'approle' } = {},
  ): Promise<{ readonly roleId: string; readonly secretId: string }> {
    await this.enable('approle', mount);
    const path = `auth/${mount}/role/${role}`;
    await this.bao.expect('POST', path, { ...tokenOf(grants), secret_id_num_uses: uses });
    const answers = await Promise.all([
      this.bao.expect('GET', `${path}/role-id`),
      this.bao.expect('POST', `${path}/secret-id`, {}),
    ]);
    const [roleId = '', secretId = ''] = [
      dataOf(answers[0].body).role_id,
      dataOf(answers[1].body).secret_id,
    ];
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

function tokenOf({ policies, ttl, maxTtl }: Grants): object {
  return { token_policies: policies, token_ttl: ttl, token_max_ttl: maxTtl };
}

function dataOf(body: object): Readonly<Record<string, string | undefined>> {
  return (body as { data: Record<string, string> }).data;
}
