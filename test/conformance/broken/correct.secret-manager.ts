import {
  CustomSecretManager,
  SecretManagerError,
  type DeleteOptions,
  type OperationOptions,
  type SecretAnswer,
  type SecretMetadata,
  type WriteOptions,
} from 'nestjs-custom-secret-manager';
import type { PathStore, StoreRequest, StoreResponse } from './path-store';

interface Content {
  readonly value: string;
  readonly version: number;
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly deletionAt?: string;
}

type Method = StoreRequest['method'];

export const TOKEN = 'token-8f3bQ1zX7/"ké';

/** A correct manager, in small steps. Each break overrides one of them. */
export class CorrectSecretManager extends CustomSecretManager {
  constructor(protected readonly store: PathStore) {
    super('correct');
  }

  override async readSecret(name: string, options?: OperationOptions): Promise<SecretAnswer> {
    return this.answerOf(await this.ask('GET', name, options));
  }

  override readSecretSync(name: string): SecretAnswer {
    return this.answerOf(this.store.requestSync(this.requestFor('GET', name)));
  }

  override async writeSecret(
    name: string,
    value: string,
    options: WriteOptions = {},
  ): Promise<SecretMetadata | void> {
    const { createOnly } = options;
    const body = this.bodyOf(value, options);
    let response = await this.ask('PUT', name, options, { body, createOnly });
    if (response.status === 409 && response.body.includes('pending deletion')) {
      await this.ask('RESTORE', name, options);
      response = await this.ask('PUT', name, options, { body });
    }
    return this.metadataOf(this.contentOf(response));
  }

  override async deleteSecret(
    name: string,
    options: DeleteOptions = {},
  ): Promise<SecretMetadata | void> {
    const response = await this.ask('DELETE', name, options, { days: this.daysOf(options) });
    return response.status === 404 ? {} : this.metadataOf(this.contentOf(response));
  }

  override async describeSecret(name: string, options?: OperationOptions): Promise<object> {
    const response = await this.ask('GET', name, options);
    if (response.status === 404) return {};
    const { description, tags } = this.contentOf(response);
    return { description, tags };
  }

  override async checkHealth(options?: OperationOptions): Promise<boolean> {
    const { status } = await this.ask('HEALTH', 'health', options);
    return status === 200;
  }

  protected ask(
    method: Method,
    name: string,
    options?: OperationOptions,
    more?: Partial<StoreRequest>,
  ): Promise<StoreResponse> {
    return this.store.request({ ...this.requestFor(method, name), ...more }, options?.signal);
  }

  protected requestFor(method: Method, name: string): StoreRequest {
    return { method, path: this.pathOf(name), token: TOKEN };
  }

  protected pathOf(name: string): string {
    const path = `/secrets/${name.split('/').map(encodeURIComponent).join('/')}`;
    if (new URL(path, 'http://store.test').pathname === path) return path;
    throw new SecretManagerError('INVALID_ARGUMENT', 'The name is another path to the store.');
  }

  protected answerOf(response: StoreResponse): SecretAnswer {
    if (response.status === 404) return undefined;
    const { value, version } = this.contentOf(response);
    return { value: this.plain(value), version: String(version) };
  }

  /** Returns the value unchanged. Other managers decode, trim and parse here. */
  protected plain(value: string): string {
    return value;
  }

  protected contentOf(response: StoreResponse): Content {
    if (response.status !== 200) throw this.failureOf(response);
    return this.parse(response.body);
  }

  protected failureOf({ status }: StoreResponse): unknown {
    return Object.assign(new Error(`The store answered ${status}.`), { status });
  }

  protected parse(text: string): Content {
    try {
      return JSON.parse(text) as Content;
    } catch {
      throw new SecretManagerError('MALFORMED', 'The store answered what is no JSON.');
    }
  }

  protected bodyOf(value: string, { description, tags }: WriteOptions): string {
    return JSON.stringify({ value, description, tags });
  }

  protected daysOf({ recoveryWindowInDays = 7 }: DeleteOptions): number {
    return recoveryWindowInDays;
  }

  protected metadataOf({ version, deletionAt }: Content): SecretMetadata {
    return {
      version: version === undefined ? undefined : String(version),
      deletionAt: deletionAt === undefined ? undefined : new Date(deletionAt),
    };
  }
}
