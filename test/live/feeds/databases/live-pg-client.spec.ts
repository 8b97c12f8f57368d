import { livePassword, livePgClient } from 'nestjs-custom-secret-manager/live';
import { closeApplications } from '../../../support/application';
import { startLive } from '../support';

/** As `pg.Client`: the login is read when it connects. */
class FakeClient {
  user: string | undefined;
  password: string | undefined = undefined;
  readonly connectionParameters: { user?: string; password?: string };
  readonly logins: unknown[] = [];
  isEnded = false;

  constructor({ user }: { user?: string } = {}) {
    this.user = user;
    this.connectionParameters = { user };
  }

  connect(callback?: (error?: Error) => void): Promise<void> | undefined {
    const { user, password } = this.connectionParameters;
    this.logins.push({ user, password });
    const failure = password === 'refused' ? new Error('28P01') : undefined;
    if (callback === undefined) return failure ? Promise.reject(failure) : Promise.resolve();
    callback(failure);
    return undefined;
  }

  end(): void {
    this.isEnded = true;
  }
}

afterEach(closeApplications);

describe('livePassword', () => {
  it('gives the password of the moment, and ignores what the client passes', async () => {
    const { secret, rotate } = await startLive({ PASSWORD: 'first' });
    const password: (...given: object[]) => Promise<string> = livePassword(secret('PASSWORD'));
    const before = await password({ host: 'db', maxAgeMs: -1 });

    await rotate('PASSWORD', 'second');

    expect([before, await password()]).toEqual(['first', 'second']);
  });
});

describe('livePgClient', () => {
  it('takes user and password at each connection', async () => {
    const { secret, rotate } = await startLive({ DB: { username: 'a', password: '1' } });
    const Client = livePgClient(FakeClient, secret('DB'));
    const [one, two] = [new Client({ user: 'nobody' }), new Client()];

    await one.connect();
    await rotate('DB', { username: 'b', password: '2' });
    await two.connect();

    expect([...one.logins, ...two.logins]).toEqual([
      { user: 'a', password: '1' },
      { user: 'b', password: '2' },
    ]);
    expect(two).toBeInstanceOf(FakeClient);
  });

  it('keeps the user of the options if the credentials hold none', async () => {
    const { secret } = await startLive({ DB: { password: '1' } });
    const client = new (livePgClient(FakeClient, secret('DB')))({ user: 'app' });

    await client.connect();

    expect(client.logins).toEqual([{ user: 'app', password: '1' }]);
  });

  it('calls back, as pg.Pool needs it', async () => {
    const { secret, rotate } = await startLive({ DB: { password: '1' } });
    const Client = livePgClient(FakeClient, secret('DB'));
    const connect = (): Promise<Error | undefined> =>
      new Promise((resolve) => void new Client().connect(resolve));

    const accepted = await connect();
    await rotate('DB', { password: 'refused' });
    const refused = await connect();
    await rotate('DB', 'no JSON');
    const unread = await connect();

    expect(accepted).toBeUndefined();
    expect(refused?.message).toBe('28P01');
    expect(unread).toMatchObject({ code: 'MALFORMED' });
  });

  it('does not connect a client that was ended meanwhile', async () => {
    const { secret } = await startLive({ DB: { password: '1' } });
    const client = new (livePgClient(FakeClient, secret('DB')))();

    const connecting = client.connect();
    client.end();

    await expect(connecting).rejects.toThrow('Connection terminated');
    expect([client.logins, client.isEnded]).toEqual([[], true]);
  });
});
