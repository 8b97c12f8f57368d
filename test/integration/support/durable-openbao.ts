import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port';
import { SealableOpenBao } from './openbao';

/** Starts a server that keeps its content when it is killed. */
export async function startDurableOpenBao(): Promise<DurableOpenBao> {
  const bao = new DurableOpenBao(await freePort(), await freePort());
  await bao.start();
  return bao;
}

export class DurableOpenBao extends SealableOpenBao {
  constructor(
    port: number,
    private readonly clusterPort: number,
  ) {
    super(port);
  }

  /** Starts the server again after `kill`, with the same address, tokens and secrets. */
  async restart(): Promise<void> {
    await this.launch();
    await this.unseal();
  }

  protected override configuration(): Readonly<Record<string, unknown>> {
    const path = join(this.folder, 'raft');
    mkdirSync(path, { recursive: true });
    return {
      ...super.configuration(),
      storage: { raft: { path, node_id: 'only', performance_multiplier: '1' } },
      api_addr: this.address,
      cluster_addr: `http://127.0.0.1:${this.clusterPort}`,
    };
  }
}
