import { crc32c } from '../../lib/drivers/google/crc32c';

/** The answer of the API: a status and a JSON body. */
export interface GoogleAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface GoogleRequest {
  readonly method: string;
  /** The path after `/v1/`, decoded, such as `projects/p/secrets/A:addVersion`. */
  readonly resource: string;
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Version {
  state: 'ENABLED' | 'DISABLED' | 'DESTROYED';
  data: string;
  etag: string;
  destroyTime?: string;
}

interface Secret {
  name: string;
  annotations: Record<string, string>;
  labels: Record<string, string>;
  replication: unknown;
  etag: string;
  versions: Version[];
}

const STATES = { ENABLED: 1, DISABLED: 2, DESTROYED: 3 } as const;
const NUMBER = '123456789012';
const ID = /^[A-Za-z0-9_-]{1,255}$/;
const TIME = '2026-11-29T12:34:56.123456Z';
const MAX_BYTES = 65_536;

export function failure(
  status: number,
  code: string,
  message: string,
  reason?: string,
): GoogleAnswer {
  const details = reason === undefined ? {} : { details: [{ reason, domain: 'googleapis.com' }] };
  return { status, body: { error: { code: status, message, status: code, ...details } } };
}

/** The secrets of the fake, and the requests of the REST surface of Secret Manager about them. */
export class FakeGoogleStore {
  /** The checksum that is sent with a value. */
  checksum: 'right' | 'missing' | 'wrong' = 'right';
  /** The number of next changes that find another etag, as if somebody else had been faster. */
  etagConflicts = 0;
  /** The IDs that the login may not use. A missing one is denied as well if `grants` is `per secret`. */
  readonly denied = new Set<string>();
  grants: 'on the project' | 'per secret' = 'on the project';
  readonly #secrets = new Map<string, Secret>();
  #etags = 0;

  /** Stores a secret without a request. */
  put(id: string, value: string | Buffer, location?: string): void {
    const name = nameOf(location === undefined ? 'p' : `p/locations/${location}`, id);
    const secret = this.#secrets.get(name) ?? this.newSecret(name, {});
    this.#secrets.set(name, secret);
    secret.versions.push({
      state: 'ENABLED',
      data: Buffer.from(value).toString('base64'),
      etag: this.newEtag(),
    });
  }

  /** Stores a secret without versions. */
  putEmpty(id: string, annotations: Record<string, string> = {}): void {
    const name = nameOf('p', id);
    this.#secrets.set(name, this.newSecret(name, { annotations }));
  }

  setState(id: string, version: number, state: Version['state']): void {
    const found = this.#secrets.get(nameOf('p', id))?.versions[version - 1];
    if (found === undefined) throw new Error('the fake has no such version');
    found.state = state;
  }

  /** Sets the stored text of the newest version, which may be no base64. */
  corrupt(id: string, data: string): void {
    const secret = this.#secrets.get(nameOf('p', id)) ?? this.newSecret(nameOf('p', id), {});
    this.#secrets.set(secret.name, secret);
    secret.versions.push({ state: 'ENABLED', data, etag: this.newEtag() });
  }

  annotationsOf(id: string): Record<string, string> | undefined {
    return this.#secrets.get(nameOf('p', id))?.annotations;
  }

  replicationOf(id: string): unknown {
    return this.#secrets.get(nameOf('p', id))?.replication;
  }

  versionsOf(id: string): number | undefined {
    return this.#secrets.get(nameOf('p', id))?.versions.length;
  }

  clear(): void {
    this.#secrets.clear();
    this.denied.clear();
    this.grants = 'on the project';
    this.checksum = 'right';
    this.etagConflicts = 0;
  }

  answer(request: GoogleRequest): GoogleAnswer {
    const [, parent = '', rest] =
      /^projects\/([^/]+(?:\/locations\/[^/]+)?)\/secrets(?:\/(.+))?$/.exec(request.resource) ?? [];
    if (parent === '') return failure(404, 'NOT_FOUND', 'Method not found.');
    if (rest === undefined) {
      return request.method === 'POST' ? this.create(parent, request) : this.list();
    }
    const [path = '', verb] = rest.split(':');
    const [id = '', , version] = path.split('/');
    const name = nameOf(parent, id);
    const secret = this.#secrets.get(name);
    const isDenied = this.denied.has(id) || (secret === undefined && this.grants === 'per secret');
    if (isDenied) return denial(name, verb);
    if (secret === undefined) {
      return failure(
        404,
        'NOT_FOUND',
        `Secret [${name}] not found${verb === 'access' ? ' or has no versions' : ''}.`,
      );
    }
    if (verb === 'addVersion') return this.addVersion(secret, request);
    if (path === `${id}/versions`) return this.listVersions(secret, request);
    if (version !== undefined) return this.ofVersion(secret, version, verb, request);
    return this.ofSecret(secret, request);
  }

  private create(parent: string, { query, body }: GoogleRequest): GoogleAnswer {
    const id = query.get('secretId') ?? '';
    const name = nameOf(parent, id);
    if (this.denied.has(id)) return denial(name, 'create');
    if (!ID.test(id)) return failure(400, 'INVALID_ARGUMENT', 'The provided Secret ID is invalid.');
    const needsReplication = !parent.includes('/locations/');
    if (needsReplication !== (body.replication !== undefined)) {
      return failure(400, 'INVALID_ARGUMENT', 'Replication is wrong for this secret.');
    }
    if (this.#secrets.has(name)) {
      return failure(409, 'ALREADY_EXISTS', `Secret [${name}] already exists.`);
    }
    const secret = this.newSecret(name, body);
    this.#secrets.set(name, secret);
    return { status: 200, body: shownSecret(secret) };
  }

  private list(): GoogleAnswer {
    return { status: 200, body: { secrets: [...this.#secrets.values()].map(shownSecret) } };
  }

  private ofSecret(secret: Secret, { method, query, body }: GoogleRequest): GoogleAnswer {
    if (method === 'GET') return { status: 200, body: shownSecret(secret) };
    const etag = method === 'DELETE' ? query.get('etag') : body.etag;
    const isConflict = typeof etag === 'string' && etag !== secret.etag;
    if (isConflict || (method === 'PATCH' && this.etagConflicts-- > 0)) {
      secret.etag = this.newEtag();
      return failure(409, 'ABORTED', 'The etag does not match the current one.');
    }
    if (method === 'DELETE') {
      this.#secrets.delete(secret.name);
      return { status: 200, body: {} };
    }
    for (const field of query.get('updateMask')?.split(',') ?? []) {
      if (field === 'annotations' || field === 'labels') {
        secret[field] = (body[field] ?? {}) as Record<string, string>;
      }
    }
    secret.etag = this.newEtag();
    return { status: 200, body: shownSecret(secret) };
  }

  private addVersion(secret: Secret, { body }: GoogleRequest): GoogleAnswer {
    const { data, dataCrc32c } = (body.payload ?? {}) as { data?: string; dataCrc32c?: string };
    if (!data) return failure(400, 'INVALID_ARGUMENT', 'Field [payload] is required.');
    const bytes = Buffer.from(data, 'base64');
    if (bytes.length > MAX_BYTES)
      return failure(400, 'INVALID_ARGUMENT', 'The payload is too large.');
    if (dataCrc32c !== undefined && String(dataCrc32c) !== String(crc32c(bytes))) {
      return failure(400, 'INVALID_ARGUMENT', 'The checksum does not match the payload.');
    }
    secret.versions.push({
      state: 'ENABLED',
      data: bytes.toString('base64'),
      etag: this.newEtag(),
    });
    const shown = shownVersion(secret, secret.versions.length);
    const checked = dataCrc32c === undefined ? {} : { clientSpecifiedPayloadChecksum: true };
    return { status: 200, body: { ...shown, ...checked } };
  }

  private listVersions(secret: Secret, { query }: GoogleRequest): GoogleAnswer {
    const size = Number(query.get('pageSize')) || 25_000;
    const start = Number(query.get('pageToken')) || 0;
    const all = secret.versions.map((_, at) => shownVersion(secret, at + 1)).reverse();
    const isLast = start + size >= all.length;
    const next = isLast ? {} : { nextPageToken: String(start + size) };
    const versions = all.slice(start, start + size);
    return {
      status: 200,
      body: { ...(versions.length > 0 ? { versions } : {}), ...next, totalSize: all.length },
    };
  }

  private ofVersion(
    secret: Secret,
    asked: string,
    verb: string | undefined,
    { body }: GoogleRequest,
  ): GoogleAnswer {
    const { versions, name } = secret;
    if (asked === 'latest' && versions.length === 0) {
      return failure(404, 'NOT_FOUND', `Secret [${name}] not found or has no versions.`);
    }
    const number = asked === 'latest' ? versions.length : Number(asked);
    const version = versions[number - 1];
    if (version === undefined) {
      return failure(404, 'NOT_FOUND', `Secret Version [${name}/versions/${asked}] not found.`);
    }
    if (verb === 'access') return this.access(secret, number, version);
    if (verb === undefined) return { status: 200, body: shownVersion(secret, number) };
    if (typeof body.etag === 'string' && body.etag !== version.etag) {
      return failure(409, 'ABORTED', 'The etag does not match the current one.');
    }
    version.state = ({ enable: 'ENABLED', disable: 'DISABLED', destroy: 'DESTROYED' } as const)[
      verb as 'enable'
    ];
    if (verb === 'destroy') Object.assign(version, { data: '', destroyTime: TIME });
    version.etag = this.newEtag();
    return { status: 200, body: shownVersion(secret, number) };
  }

  private access({ name }: Secret, number: number, { state, data }: Version): GoogleAnswer {
    const version = `${name}/versions/${number}`;
    if (state !== 'ENABLED') {
      const message = `Secret Version [${version}] is in ${state} state.`;
      return failure(400, 'FAILED_PRECONDITION', message);
    }
    const sum = crc32c(Buffer.from(data, 'base64')) + (this.checksum === 'wrong' ? 1 : 0);
    const dataCrc32c = this.checksum === 'missing' ? undefined : String(sum);
    return { status: 200, body: { name: version, payload: { data, dataCrc32c } } };
  }

  private newSecret(name: string, body: Readonly<Record<string, unknown>>): Secret {
    const {
      annotations = {},
      labels = {},
      replication = { automatic: {} },
    } = body as Partial<Secret>;
    return { name, annotations, labels, replication, etag: this.newEtag(), versions: [] };
  }

  private newEtag(): string {
    return `"etag-${(this.#etags += 1)}"`;
  }
}

/** Returns the body with states as numbers, as Google's own clients ask for it. */
export function withNumericStates(body: GoogleAnswer['body']): GoogleAnswer['body'] {
  return JSON.parse(
    JSON.stringify(body, (key, value: unknown) =>
      key === 'state' ? STATES[value as keyof typeof STATES] : value,
    ),
  ) as GoogleAnswer['body'];
}

/** Returns the name with the number of the project, as Google answers it. */
function nameOf(parent: string, id: string): string {
  return `projects/${parent.replace(/^[^/]+/, NUMBER)}/secrets/${id}`;
}

function denial(name: string, verb = 'get'): GoogleAnswer {
  const permission =
    verb === 'access' ? 'secretmanager.versions.access' : `secretmanager.secrets.${verb}`;
  const message = `Permission '${permission}' denied for resource '${name}' (or it may not exist).`;
  return failure(403, 'PERMISSION_DENIED', message, 'IAM_PERMISSION_DENIED');
}

function shownSecret({
  name,
  annotations,
  labels,
  replication,
  etag,
}: Secret): GoogleAnswer['body'] {
  const place = name.includes('/locations/') ? {} : { replication };
  return {
    name,
    ...place,
    createTime: TIME,
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    etag,
  };
}

function shownVersion(
  { name, versions, replication }: Secret,
  number: number,
): GoogleAnswer['body'] {
  const { state, etag, destroyTime } = versions[number - 1] ?? { state: 'ENABLED', etag: '' };
  const replicationStatus = Object.hasOwn(replication as object, 'automatic')
    ? { automatic: {} }
    : { userManaged: {} };
  return {
    name: `${name}/versions/${number}`,
    createTime: TIME,
    ...(destroyTime === undefined ? {} : { destroyTime }),
    state,
    replicationStatus,
    etag,
  };
}
