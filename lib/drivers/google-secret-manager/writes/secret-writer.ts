import type { SecretMetadata, WriteOptions } from '../../../core/contract/custom-secret-manager';
import type { HttpClients } from '../../http/wire/http-clients';
import type { HttpSteps } from '../../http/wire/http-request';
import { annotationsFor, assertSize, NAME_ANNOTATION } from '../api/annotations';
import { assertName, type NameCollisions } from '../api/name-collisions';
import type { Annotations, SecretCall, SecretsApi } from '../api/secrets-api';
import { addAnnotations } from './annotator';
import { deletedMeanwhile, SecretCreation } from './creation';
import { fillEmptySecret } from './empty-secret';

/** Writes and deletes secrets, whether they exist or not. */
export class SecretWriter {
  readonly #api: SecretsApi;
  readonly #collisions: NameCollisions | undefined;
  readonly #creation: SecretCreation;

  /** @param names notes the names of secrets, if they are mapped */
  constructor(api: SecretsApi, clients: HttpClients, collisions: NameCollisions | undefined) {
    this.#api = api;
    this.#collisions = collisions;
    this.#creation = new SecretCreation(api, clients);
  }

  *write(call: SecretCall, bytes: Buffer, options: WriteOptions): HttpSteps<SecretMetadata> {
    const described = annotationsFor(options);
    const annotations =
      this.#collisions === undefined
        ? described
        : { ...described, [NAME_ANNOTATION]: call.secretName };
    assertSize(annotations);
    this.#collisions?.forget(call);
    return options.createOnly
      ? yield* this.createOnly(call, bytes, annotations)
      : yield* this.createOrUpdate(call, bytes, annotations);
  }

  /** A secret of another name stays, if names are mapped. */
  *delete(call: SecretCall): HttpSteps<void> {
    if (this.#collisions !== undefined) {
      this.#collisions.forget(call);
      const secret = yield* this.#api.get(call);
      if (secret === undefined) return;
      assertName(secret, call);
    }
    yield* this.#api.delete(call);
  }

  private *createOnly(
    call: SecretCall,
    bytes: Buffer,
    annotations: Annotations,
  ): HttpSteps<SecretMetadata> {
    const created = yield* this.#creation.create(call, bytes, annotations);
    if (created !== undefined) return created;
    if (this.#collisions !== undefined) yield* this.#collisions.check(call);
    return yield* fillEmptySecret(this.#api, call, bytes, annotations);
  }

  private *createOrUpdate(
    call: SecretCall,
    bytes: Buffer,
    annotations: Annotations,
  ): HttpSteps<SecretMetadata> {
    const updated = yield* this.update(call, bytes, annotations);
    if (updated !== undefined) return updated;
    const created = yield* this.#creation.create(call, bytes, annotations);
    if (created !== undefined) return created;
    const overtaken = yield* this.update(call, bytes, annotations);
    if (overtaken !== undefined) return overtaken;
    throw deletedMeanwhile(call);
  }

  /**
   * Writes the annotations before the value, so that a login without the right to annotate writes nothing. Returns
   * `undefined` if there is no such secret.
   */
  private *update(
    call: SecretCall,
    bytes: Buffer,
    annotations: Annotations,
  ): HttpSteps<SecretMetadata | undefined> {
    const needsAnnotations = Object.keys(annotations).length > 0;
    const isThere = !needsAnnotations || (yield* addAnnotations(this.#api, call, annotations));
    return isThere ? yield* this.#api.addVersion(call, bytes) : undefined;
  }
}
