import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { quoteName } from '../../../core/errors/wording';
import { isRecord } from '../../../core/validation/option-rules';
import { crc32c } from '../../google/crc32c';
import type { GoogleConnection } from '../../google/google-connection';
import {
  jsonOf,
  type HttpAnswer,
  type HttpRequest,
  type HttpSteps,
} from '../../http/wire/http-request';
import type { GoogleReplication } from '../options/google.options';
import { existsAlready, hasOtherEtag, isMissing, secretError, type Role } from './errors';

/** One call about a secret. */
export interface SecretCall {
  readonly secretName: string;
  /** The ID at Google. */
  readonly id: string;
  readonly options: OperationOptions;
}

export type Annotations = Readonly<Record<string, string>>;

export interface StoredSecret {
  readonly etag?: string;
  readonly annotations: Annotations;
}

export interface AddedVersion {
  readonly version: string;
  readonly createdAt?: Date;
}

export interface SecretsApiOptions {
  readonly location?: string;
  readonly replication?: GoogleReplication;
}

const VERSION_NAME = /\/secrets\/([^/]+)\/versions\/(\d+)$/;

/** The requests of Google Secret Manager. Each throws the error for an answer that its result does not cover. */
export class SecretsApi {
  readonly #connection: GoogleConnection;
  readonly #options: SecretsApiOptions;

  constructor(connection: GoogleConnection, options: SecretsApiOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** Returns the answer with the value of a version, or `undefined` if there is none. */
  *access(call: SecretCall, version: string): HttpSteps<HttpAnswer | undefined> {
    const path = `/${call.id}/versions/${encodeURIComponent(version)}:access`;
    const answer = yield* this.send(call, 'GET', path);
    const isVersion = answer.statusCode === 200 && versionIn(answer, call.id) !== undefined;
    return isVersion ? answer : this.undefinedIfMissing(answer, call, 'Reading', 'secretAccessor');
  }

  /** Returns the secret without its value, or `undefined` if there is none. */
  *get(call: SecretCall): HttpSteps<StoredSecret | undefined> {
    const answer = yield* this.send(call, 'GET', `/${call.id}`);
    return isSecret(answer)
      ? storedSecret(answer)
      : this.undefinedIfMissing(answer, call, 'Looking at', 'viewer');
  }

  /** Creates a secret without a version. Returns `undefined` if it exists. */
  *create(call: SecretCall, annotations: Annotations): HttpSteps<StoredSecret | undefined> {
    const { location, replication = { automatic: {} } } = this.#options;
    const places = location === undefined ? { replication } : {};
    const noted = Object.keys(annotations).length === 0 ? {} : { annotations };
    const answer = yield* this.send(call, 'POST', `?secretId=${call.id}`, { ...places, ...noted });
    if (isSecret(answer)) return storedSecret(answer);
    if (existsAlready(answer)) return undefined;
    throw secretError(answer, subjectOf('Creating', call), 'admin');
  }

  /** Adds a version. Returns `undefined` if there is no such secret. */
  *addVersion(call: SecretCall, bytes: Buffer): HttpSteps<AddedVersion | undefined> {
    const payload = { data: bytes.toString('base64'), dataCrc32c: String(crc32c(bytes)) };
    const answer = yield* this.send(call, 'POST', `/${call.id}:addVersion`, { payload });
    const version = answer.statusCode === 200 ? versionIn(answer, call.id) : undefined;
    if (version !== undefined) return { version, createdAt: timeIn(answer) };
    return this.undefinedIfMissing(answer, call, 'Writing', 'secretVersionAdder');
  }

  /**
   * Replaces the annotations of a secret. Returns `other etag` if it was changed meanwhile, and `undefined` if there
   * is none.
   */
  *annotate(
    call: SecretCall,
    annotations: Annotations,
    etag: string | undefined,
  ): HttpSteps<'done' | 'other etag' | undefined> {
    const content = { annotations, etag };
    const answer = yield* this.send(call, 'PATCH', `/${call.id}?updateMask=annotations`, content);
    if (isSecret(answer)) return 'done';
    if (hasOtherEtag(answer)) return 'other etag';
    return this.undefinedIfMissing(answer, call, 'Describing', 'admin');
  }

  /** Returns whether a secret has versions, in whatever state, or `undefined` if there is no such secret. */
  *hasVersions(call: SecretCall): HttpSteps<boolean | undefined> {
    const answer = yield* this.send(call, 'GET', `/${call.id}/versions?pageSize=1`);
    const { versions = [] } = jsonOf(answer) ?? {};
    if (answer.statusCode === 200 && Array.isArray(versions)) return versions.length > 0;
    return this.undefinedIfMissing(answer, call, 'Looking at the versions of', 'viewer');
  }

  /** Deletes a secret with all its versions. A missing one is no error. */
  *delete(call: SecretCall, etag?: string): HttpSteps<void> {
    const condition = etag === undefined ? '' : `?etag=${encodeURIComponent(etag)}`;
    const answer = yield* this.send(call, 'DELETE', `/${call.id}${condition}`);
    if (answer.statusCode === 200 && jsonOf(answer) !== undefined) return;
    this.undefinedIfMissing(answer, call, 'Deleting', 'admin');
  }

  private *send(
    { options }: SecretCall,
    method: HttpRequest['method'],
    path: string,
    content?: object,
  ): HttpSteps<HttpAnswer> {
    const project = encodeURIComponent(yield* this.#connection.projectId(options));
    const { location } = this.#options;
    const parent = location === undefined ? project : `${project}/locations/${location}`;
    const body = content === undefined ? undefined : JSON.stringify(content);
    const headers = content === undefined ? undefined : { 'content-type': 'application/json' };
    const request = { method, path: `/v1/projects/${parent}/secrets${path}`, headers, body };
    return yield* this.#connection.send(request, options);
  }

  private undefinedIfMissing(
    answer: HttpAnswer,
    call: SecretCall,
    doing: string,
    role: Role,
  ): undefined {
    if (isMissing(answer)) return undefined;
    throw secretError(answer, subjectOf(doing, call), role);
  }
}

/** Returns the number of the version in the name of an answer, or `undefined` if it is one of another secret. */
export function versionIn(answer: HttpAnswer, id: string): string | undefined {
  const name = jsonOf(answer)?.name;
  const found = typeof name === 'string' ? VERSION_NAME.exec(name) : null;
  return found?.[1] === id ? found[2] : undefined;
}

function subjectOf(doing: string, { secretName }: SecretCall): string {
  return `${doing} ${quoteName(secretName)}`;
}

/** Returns whether an answer holds a secret. A page of a proxy has the status 200 as well. */
function isSecret(answer: HttpAnswer): boolean {
  return answer.statusCode === 200 && typeof jsonOf(answer)?.name === 'string';
}

function storedSecret(answer: HttpAnswer): StoredSecret {
  const { etag, annotations = {} } = jsonOf(answer) ?? {};
  const noted = isRecord(annotations) ? Object.entries(annotations) : [];
  const texts = noted.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return {
    etag: typeof etag === 'string' ? etag : undefined,
    annotations: Object.fromEntries(texts),
  };
}

function timeIn(answer: HttpAnswer): Date | undefined {
  const time = new Date(String(jsonOf(answer)?.createTime));
  return Number.isNaN(time.getTime()) ? undefined : time;
}
