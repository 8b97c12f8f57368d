import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort } from './free-port';

const SERVER = join(__dirname, '../servers/postgres.mjs');

export interface DatabaseLogin {
  readonly user: string;
  readonly password: string;
}

interface Answer {
  readonly id: string;
  readonly rows?: readonly Readonly<Record<string, unknown>>[];
  readonly failure?: string;
}

/** A PostgreSQL for one test file. It ends with the test run, however that ends. */
export class Postgres {
  constructor(
    readonly port: number,
    readonly admin: DatabaseLogin,
    private readonly process: ChildProcess,
  ) {}

  async hasUser(name: string): Promise<boolean> {
    const { rows = [] } = await this.query('select 1 from pg_roles where rolname = $1', [name]);
    return rows.length > 0;
  }

  /** Resolves to whether a user can log in now. */
  async accepts(login: DatabaseLogin): Promise<boolean> {
    const { rows } = await this.query('select 1', [], login);
    return rows !== undefined;
  }

  async execute(sql: string): Promise<void> {
    const { failure } = await this.query(sql);
    if (failure !== undefined) throw new Error(`PostgreSQL refused it: ${failure}`);
  }

  async stop(): Promise<void> {
    const ended = once(this.process, 'exit');
    this.process.disconnect();
    await ended;
  }

  /** Kills, starts, freezes or thaws the server. Kill and start keep the port and the data. */
  async control(control: 'kill' | 'start' | 'freeze' | 'thaw'): Promise<void> {
    await this.send({ control });
  }

  private async query(
    sql: string,
    values: readonly string[] = [],
    login: Partial<DatabaseLogin> = {},
  ): Promise<Answer> {
    return await this.send({ sql, values, ...login });
  }

  private async send(message: object): Promise<Answer> {
    const id = randomUUID();
    const answered = new Promise<Answer>((resolve) => {
      const listen = (answer: Answer): void => {
        if (answer.id !== id) return;
        this.process.off('message', listen);
        resolve(answer);
      };
      this.process.on('message', listen);
    });
    this.process.send({ id, ...message });
    return await answered;
  }
}

export async function startPostgres(): Promise<Postgres> {
  const port = await freePort();
  const admin = { user: 'postgres', password: randomUUID() };
  const child = fork(SERVER, [String(port), admin.password], { stdio: 'pipe' });
  let output = '';
  child.stdout?.on('data', (chunk) => (output += chunk));
  child.stderr?.on('data', (chunk) => (output += chunk));
  await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => {
      throw new Error(`PostgreSQL did not start:\n${output}`);
    }),
  ]);
  return new Postgres(port, admin, child);
}
