import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually';
import { freePort } from './free-port';
import { BAO, SUPERVISOR, type OpenBao } from './openbao';

/** The agent of OpenBao. It forwards requests without a token to a server, with its own token. */
export class Agent {
  readonly #folder = mkdtempSync(join(tmpdir(), 'agent-'));
  #process: ChildProcess | undefined;
  address = '';

  async start(bao: OpenBao, token: string): Promise<this> {
    const port = await freePort();
    this.address = `http://127.0.0.1:${port}`;
    const path = this.file('token', token);
    const configuration = {
      vault: { address: bao.address },
      auto_auth: { method: [{ type: 'token_file', config: { token_file_path: path } }] },
      api_proxy: { use_auto_auth_token: true },
      listener: [
        {
          tcp: {
            address: `127.0.0.1:${port}`,
            tls_disable: true,
            require_request_header: true,
          },
        },
      ],
    };
    const config = this.file('agent.json', JSON.stringify(configuration));
    this.#process = fork(SUPERVISOR, [BAO, 'proxy', `-config=${config}`], { stdio: 'pipe' });
    await eventually('the agent has its token', async () => {
      const headers = { 'x-vault-request': 'true' };
      const asked = fetch(`${this.address}/v1/auth/token/lookup-self`, { headers });
      return await asked.then(
        ({ status }) => status === 200,
        () => false,
      );
    });
    return this;
  }

  async stop(): Promise<void> {
    this.#process?.send('SIGKILL');
    if (this.#process) await once(this.#process, 'exit');
    rmSync(this.#folder, { recursive: true });
  }

  private file(name: string, content: string): string {
    const path = join(this.#folder, name);
    writeFileSync(path, content);
    return path;
  }
}
