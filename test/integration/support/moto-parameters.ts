import {
  DescribeParametersCommand,
  GetParameterCommand,
  LabelParameterVersionCommand,
  PutParameterCommand,
  SSMClient,
  type ParameterMetadata,
  type PutParameterCommandInput,
} from '@aws-sdk/client-ssm';
import {
  AwsParameterStoreSecretManager,
  type AwsParameterStoreSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/aws-parameter-store';
import { refusal, type AwsRequest, type Reply } from '../../support/aws-endpoint';
import { CREDENTIALS, REGION, startMoto, type Moto } from './moto';

/** The KMS keys of the account. AWS refuses others, and moto accepts them. */
export const KEYS = ['alias/aws/ssm', 'alias/app', 'alias/other'];

/** Starts moto with Parameter Store, and an endpoint in front of it that refuses what AWS refuses. */
export async function startMotoParameters(): Promise<MotoParameters> {
  return new MotoParameters(await startMoto());
}

export class MotoParameters {
  readonly endpoint: Moto['endpoint'];
  readonly address: string;
  readonly client: SSMClient;
  readonly #denied = new Set<string>();

  constructor(private readonly moto: Moto) {
    this.endpoint = moto.endpoint;
    this.address = moto.address;
    this.client = new SSMClient({
      region: REGION,
      endpoint: moto.address,
      credentials: CREDENTIALS,
    });
  }

  async stop(): Promise<void> {
    this.client.destroy();
    await this.moto.stop();
  }

  /** Empties the store, and makes the endpoint behave like AWS. */
  async reset(): Promise<void> {
    await this.moto.reset();
    this.#denied.clear();
    this.endpoint.reply('PutParameter', (request) => this.refusePut(request));
    this.endpoint.reply('GetParameter', (request) => this.refuseGet(request));
    this.endpoint.reply('GetParameters', ({ input }) => this.refuseNames(input.Names as string[]));
  }

  manager(options: AwsParameterStoreSecretManagerOptions = {}): AwsParameterStoreSecretManager {
    const { url: endpoint } = this.endpoint;
    const connection = { region: REGION, credentials: CREDENTIALS, endpoint };
    return new AwsParameterStoreSecretManager({ ...connection, ...options });
  }

  /** Stores a parameter under the name that AWS demands for the name of a secret. */
  async seed(
    name: string,
    value: string,
    more: Partial<PutParameterCommandInput> = {},
  ): Promise<void> {
    const Name = parameterOf(name);
    const input = { Name, Value: value, Type: 'SecureString', Overwrite: true, ...more } as const;
    await this.client.send(new PutParameterCommand(input));
  }

  async label(name: string, version: number, label: string): Promise<void> {
    const input = { Name: parameterOf(name), ParameterVersion: version, Labels: [label] };
    await this.client.send(new LabelParameterVersionCommand(input));
  }

  async valueOf(name: string): Promise<string | undefined> {
    const input = { Name: parameterOf(name), WithDecryption: true };
    const { Parameter } = await this.client.send(new GetParameterCommand(input));
    return Parameter?.Value;
  }

  async describe(name: string): Promise<ParameterMetadata | undefined> {
    const Values = [parameterOf(name)];
    const ParameterFilters = [{ Key: 'Name', Option: 'Equals', Values }];
    const answer = await this.client.send(new DescribeParametersCommand({ ParameterFilters }));
    return answer.Parameters?.[0];
  }

  /** Denies one parameter, alone and in a batch, as moto never does. */
  deny(name: string): void {
    this.#denied.add(parameterOf(name));
  }

  private refuseNames(names: readonly string[]): Reply | undefined {
    if (names.some((name) => this.#denied.has(name))) {
      return refusal('AccessDeniedException', 'is not authorized to perform');
    }
    return names.some(isNotQualified) ? refusal('ValidationException') : undefined;
  }

  private async refuseGet({ input }: AwsRequest): Promise<Reply | undefined> {
    const [name = '', selector = ''] = String(input.Name).split(':');
    const refused = this.refuseNames([name]);
    if (refused !== undefined || !/^[a-z]/i.test(selector)) return refused;
    const missing = await this.valueOf(`${name}:${selector}`).then(
      () => false,
      () => true,
    );
    const exists = missing && (await this.describe(name)) !== undefined;
    return exists ? refusal('ParameterVersionNotFound') : undefined; // moto: ParameterNotFound
  }

  private async refusePut({ input }: AwsRequest): Promise<Reply | undefined> {
    const {
      Name = '',
      Value = '',
      Type,
      KeyId,
      Tier,
      Overwrite,
    } = input as Partial<PutParameterCommandInput>;
    if (isNotQualified(Name)) return refusal('ValidationException', 'must be fully qualified');
    if (Name.split('/').length > 16) return refusal('HierarchyLevelLimitExceededException');
    const bytes = Buffer.byteLength(Value);
    if (bytes > 8_192 || (bytes > 4_096 && !/Adv|Int/.test(Tier ?? ''))) {
      return refusal('ValidationException', 'Standard tier parameters support a maximum');
    }
    if (KeyId !== undefined && !KEYS.includes(KeyId)) return refusal('InvalidKeyId');
    const before = Overwrite ? await this.describe(Name) : undefined;
    if (before === undefined) return undefined;
    if (Type !== undefined && Type !== before.Type)
      return refusal('HierarchyTypeMismatchException');
    if (before.Tier === 'Advanced' && Tier !== 'Advanced') return refusal('ValidationException');
    if (before.Type !== 'SecureString') {
      return KeyId === undefined ? undefined : refusal('ValidationException');
    }
    if (KeyId !== undefined) return undefined;
    const sent = { ...input, Name, Value, KeyId: 'alias/aws/ssm' } as PutParameterCommandInput;
    return { body: await this.client.send(new PutParameterCommand(sent)) }; // moto would keep the key
  }
}

function parameterOf(name: string): string {
  return name.includes('/') && !name.startsWith('/') ? `/${name}` : name;
}

function isNotQualified(name: string): boolean {
  return name.includes('/') && !name.startsWith('/');
}
