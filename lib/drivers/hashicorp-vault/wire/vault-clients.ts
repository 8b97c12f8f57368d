import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { run, runSync } from '../../http/wire/steps';
import type { Steps } from './vault-steps';
import type { TlsFiles } from '../../http/tls/tls-files';
import { VaultClient, type VaultClientOptions } from './vault-client';
import { VaultSyncClient } from './vault-sync-client';

/** The asynchronous and the blocking client of one server. */
export class VaultClients {
  readonly client: VaultClient;
  readonly syncClient: VaultSyncClient;

  constructor(options: VaultClientOptions, tls: TlsFiles) {
    this.client = new VaultClient(options, tls);
    this.syncClient = new VaultSyncClient(options, tls);
  }

  /** Sends the requests of the steps with these options. */
  run<Outcome>(steps: Steps<Outcome>, options: OperationOptions): Promise<Outcome> {
    return run(steps, (request) => this.client.send(request, options));
  }

  /** The blocking form of `run`. */
  runSync<Outcome>(steps: Steps<Outcome>, options: OperationOptions): Outcome {
    return runSync(steps, (request) => this.syncClient.send(request, options));
  }

  /** Closes all connections. Requests in flight fail. */
  async close(): Promise<void> {
    await Promise.all([this.client.close(), this.syncClient.close()]);
  }
}
