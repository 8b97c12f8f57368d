import { randomUUID } from 'node:crypto';
import { JwtIssuer } from './jwt';
import { LocalServer, type Received, type Reply } from './local-server';

const ACCOUNT = { namespace: 'shop', name: 'app' } as const;
const USERNAME = `system:serviceaccount:${ACCOUNT.namespace}:${ACCOUNT.name}`;

/** The part of a cluster that a server needs for logins of pods: it reviews tokens. */
export class Kubernetes extends LocalServer {
  readonly account = ACCOUNT;
  readonly #uid = randomUUID();
  readonly #issuer = new JwtIssuer();

  constructor() {
    super((received) => this.review(received));
  }

  /** Returns the token in the service account file of a pod. */
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
