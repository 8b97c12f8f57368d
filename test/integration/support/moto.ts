import {
  CreateSecretCommand,
  SecretsManagerClient,
  type CreateSecretCommandInput,
} from '@aws-sdk/client-secrets-manager';
import {
  AwsSecretManager,
  type AwsSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/aws-secrets-manager';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { AwsEndpoint, refusal, type AwsRequest, type Reply } from '../../support/aws-endpoint';
import { eventually } from './eventually';
import { freePort } from './free-port';

const ROOT = join(__dirname, '../../..');
const MOTO = join(ROOT, '.cache/servers/bin/moto_server');
const SUPERVISOR = join(ROOT, 'test/integration/servers/supervise.mjs');

export const REGION = 'eu-central-1';
export const CREDENTIALS = {
  accessKeyId: 'AKIACANARYACCESSKEY1',
  secretAccessKey: 'canary/secret/access/key/of/the/test',
  sessionToken: 'canary-session-token-of-the-test',
};

/** Starts moto, a fake of AWS, with an endpoint in front of it that can fail. */
export async function startMoto(): Promise<Moto> {
  const moto = new Moto(await freePort());
  await moto.start();
  return moto;
}

/** A server for one test file. It ends with the test run, however that ends. */
export class Moto {
  readonly endpoint: AwsEndpoint;
  /**
   * The address of the server itself. The endpoint lives in the thread of the test, and cannot answer while that
   * blocks.
   */
  readonly address: string;
  #process: ChildProcess | undefined;
  #client: SecretsManagerClient | undefined;

  constructor(private readonly port: number) {
    this.address = `http://127.0.0.1:${port}`;
    this.endpoint = new AwsEndpoint(this.address);
  }

  async start(): Promise<void> {
    const child = fork(SUPERVISOR, [MOTO, '-H', '127.0.0.1', '-p', String(this.port)], {
      stdio: 'pipe',
    });
    this.#process = child;
    let output = '';
    child.stderr?.on('data', (chunk) => (output += chunk));
    await eventually('moto listens', async () => {
      if (child.exitCode !== null) throw new Error(`moto did not start:\n${output}`);
      return await fetch(`${this.address}/moto-api/`).then(
        () => true,
        () => false,
      );
    });
    await this.endpoint.start();
    this.#client = new SecretsManagerClient({
      region: REGION,
      endpoint: this.address,
      credentials: CREDENTIALS,
    });
  }

  async stop(): Promise<void> {
    this.#client?.destroy();
    await this.endpoint.stop();
    if (!this.#process?.connected) return;
    this.#process.send('SIGKILL');
    await once(this.#process, 'exit');
  }

  /** Empties the store, and makes the endpoint behave like AWS. */
  async reset(): Promise<void> {
    await fetch(`${this.address}/moto-api/reset`, { method: 'POST' });
    this.endpoint.clear();
    this.behaveAsAws();
  }

  /** The client of the server itself. The manager under test does not see its changes. */
  get client(): SecretsManagerClient {
    if (this.#client === undefined) throw new Error('moto was not started');
    return this.#client;
  }

  manager(options: AwsSecretManagerOptions = {}): AwsSecretManager {
    const { url: endpoint } = this.endpoint;
    return new AwsSecretManager({ region: REGION, credentials: CREDENTIALS, endpoint, ...options });
  }

  async seed(
    name: string,
    value: string,
    more: Partial<CreateSecretCommandInput> = {},
  ): Promise<void> {
    await this.client.send(new CreateSecretCommand({ Name: name, SecretString: value, ...more }));
  }

  /** Denies one secret, alone and in a batch, as moto never does. */
  deny(name: string): void {
    this.endpoint.reply('GetSecretValue', ({ input }) =>
      input.SecretId === name ? refusal('AccessDeniedException') : undefined,
    );
    this.endpoint.reply('BatchGetSecretValue', async (request) => {
      const asked = request.input.SecretIdList as string[];
      const SecretIdList = asked.filter((each) => each !== name);
      const answer = await this.ask(request, 'BatchGetSecretValue', { SecretIdList });
      const error = { SecretId: name, ErrorCode: 'AccessDeniedException', Message: 'denied' };
      return { body: { ...answer, Errors: [...(answer.Errors as object[]), error] } };
    });
  }

  /**
   * Corrects moto for a secret that is pending deletion. Moto lets its value be written and its stages be moved, and
   * reports its name as taken. AWS refuses all three with the real reason.
   */
  private behaveAsAws(): void {
    for (const action of ['PutSecretValue', 'UpdateSecretVersionStage']) {
      this.endpoint.reply(action, (request) =>
        this.refuseIfPending(
          request,
          "You can't perform this operation on the secret because it was marked for deletion.",
        ),
      );
    }
    this.endpoint.reply('CreateSecret', (request) =>
      this.refuseIfPending(
        request,
        "You can't create this secret because a secret with this name is already scheduled for deletion.",
      ),
    );
  }

  private async refuseIfPending(request: AwsRequest, words: string): Promise<Reply | undefined> {
    const { SecretId = request.input.Name } = request.input;
    const { DeletedDate } = await this.ask(request, 'DescribeSecret', { SecretId });
    return DeletedDate ? refusal('InvalidRequestException', words) : undefined;
  }

  private async ask(
    { headers }: AwsRequest,
    action: string,
    input: object,
  ): Promise<Readonly<Record<string, unknown>>> {
    const response = await fetch(this.address, {
      method: 'POST',
      headers: {
        authorization: String(headers.authorization),
        'x-amz-target': `secretsmanager.${action}`,
        'content-type': 'application/x-amz-json-1.1',
        connection: 'close',
      },
      body: JSON.stringify(input),
    });
    return (await response.json()) as Record<string, unknown>;
  }
}
