import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually';
import { freePort } from './free-port';
import { SealableOpenBao } from './openbao';

/** Starts two nodes with shared content: an active node, and a standby that answers reads itself. */
export async function startRaftPair(): Promise<{ active: RaftNode; standby: RaftNode }> {
  const active = new RaftNode(await freePort(), await freePort());
  await active.start();
  const standby = new RaftNode(await freePort(), await freePort());
  await standby.join(active);
  return { active, standby };
}

export class RaftNode extends SealableOpenBao {
  constructor(
    port: number,
    private readonly clusterPort: number,
  ) {
    super(port);
  }

  async join({ address, key, rootToken }: RaftNode): Promise<void> {
    this.rootToken = rootToken;
    await this.launch();
    await this.expect('POST', 'sys/storage/raft/join', { leader_api_addr: address });
    await this.expect('PUT', 'sys/unseal', { key });
    await eventually('the standby answers', async () => {
      const { status } = await this.request('GET', 'secret/config');
      return status === 200;
    });
  }

  protected override configuration(): Readonly<Record<string, unknown>> {
    const path = join(this.folder, 'raft');
    mkdirSync(path, { recursive: true });
    const address = this.address.slice('http://'.length);
    const cluster = `127.0.0.1:${this.clusterPort}`;
    const tcp = { address, cluster_address: cluster, tls_disable: true };
    return {
      listener: [{ tcp }],
      storage: { raft: { path, node_id: cluster, performance_multiplier: '1' } },
      api_addr: this.address,
      cluster_addr: `http://${cluster}`,
    };
  }
}
