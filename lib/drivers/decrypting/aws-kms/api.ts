import type * as sdk from '@aws-sdk/client-kms';
import { loadPeer } from '../../../peers/load-peer';
import { clientConfig } from '../../aws/connection/connection';
import type { ProbeConfig } from '../../aws/connection/endpoint';
import { AwsSender, type SenderOptions } from '../../aws/sender';
import type { CipherOptions } from '../ciphers/cipher';
import type { AwsKmsOptions } from './aws-kms.options';
import { KMS } from './service';

/** The calls to AWS KMS. Loads the SDK, so that nobody needs it who uses another cipher. */
export class KmsApi {
  readonly #sdk = loadPeer<typeof sdk>('@aws-sdk/client-kms', 'awsKms()');
  readonly #isClientGiven: boolean;
  readonly #sender: AwsSender;
  readonly client: sdk.KMSClient;

  constructor(options: AwsKmsOptions, source: SenderOptions['source']) {
    const { client, allowInsecureHttp } = options;
    const config = clientConfig(options) as sdk.KMSClientConfig;
    this.#isClientGiven = client !== undefined;
    this.client = (client as sdk.KMSClient | undefined) ?? new this.#sdk.KMSClient(config);
    this.#sender = new AwsSender(KMS, {
      hasOwnTimeout: !this.#isClientGiven,
      allowInsecureHttp,
      source,
    });
  }

  decrypt(input: sdk.DecryptCommandInput, options: CipherOptions) {
    return this.#sender.send({ action: 'Decrypt' }, options, (guard, limits) =>
      this.client.send(guard.protect(new this.#sdk.DecryptCommand(input)), limits),
    );
  }

  encrypt(input: sdk.EncryptCommandInput, options: CipherOptions) {
    return this.#sender.send({ action: 'Encrypt' }, options, (guard, limits) =>
      this.client.send(guard.protect(new this.#sdk.EncryptCommand(input)), limits),
    );
  }

  describeKey(KeyId: string, options: CipherOptions) {
    return this.#sender.send({ action: 'DescribeKey' }, options, (guard, limits) =>
      this.client.send(guard.protect(new this.#sdk.DescribeKeyCommand({ KeyId })), limits),
    );
  }

  /** Makes a call, so that the address is known which the SDK finds. */
  probe(config: ProbeConfig): Promise<unknown> {
    const client = new this.#sdk.KMSClient(config);
    return client.send(new this.#sdk.DescribeKeyCommand({ KeyId: 'none' }));
  }

  close(): void {
    if (!this.#isClientGiven) this.client.destroy();
  }
}
