import { randomUUID } from 'node:crypto';
import { JwtIssuer } from './jwt';
import { LocalServer, type Received, type Reply } from './local-server';

const ACCOUNT = { namespace: 'shop', name: 'app' } as const;
const USERNAME = `system:serviceaccount:${ACCOUNT.namespace}:${ACCOUNT.name}`;

/** As much of a cluster as a server asks for that lets pods log in: who a token belongs to. */
export class Kubernetes extends LocalServer {
  readonly account = ACCOUNT;
  readonly #uid = randomUUID();
  readonly #issuer = new JwtIssuer();

  constructor() {
    super((received) => this.review(received));
  }

  /** What a pod of the account finds in its service account's file. */
  podToken(): string {
    const { namespace, name } = ACCOUNT;
    return this.#issuer.issue({
      iss: this.address,
      sub: USERNAME,
      jti: randomUUID(),
      'kubernetes.io': { namespace, serviceaccount: { name, uid: this.#uid } },
    });
  }

  private review({ path, body }: Received): Reply {
    if (path !== '/apis/authentication.k8s.io/v1/tokenreviews') return { status: 404 };
    const user = { username: USERNAME, uid: this.#uid, groups: ['system:serviceaccounts'] };
    const review = JSON.parse(body) as object;
    return { status: 201, content: { ...review, status: { authenticated: true, user } } };
  }
}
