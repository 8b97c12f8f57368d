import { SecretManagerError } from 'nestjs-custom-secret-manager';
import { VirtualFleet } from './support/virtual-fleet';

describe('A fleet whose events overlap', () => {
  let fleet: VirtualFleet;

  beforeEach(() => {
    fleet = new VirtualFleet();
  });

  afterEach(() => fleet.close());

  it('keeps a read that began before a reconnect from bringing an old first value', async () => {
    const [writer, reader] = await fleet.startTwo();
    let answer = (_: string): void => undefined;
    jest
      .spyOn(fleet.store, 'readSecret')
      .mockImplementationOnce(
        () => new Promise((resolve) => (answer = (value) => resolve({ value, version: '1' }))),
      );
    reader.transport.cut();
    const inFlight = reader.secrets.get('KEY');
    await fleet.time.advance(1);
    await writer.secrets.set('KEY', 'new');
    reader.transport.reconnect();
    await fleet.time.advance(1);

    answer('old');

    expect(await inFlight).toBe('old');
    expect(await reader.secrets.get('KEY')).toBe('new');
  });

  it('announces a write that the shutdown cancels, because the store may have made it', async () => {
    const [writer, reader] = await fleet.startTwo();
    jest.spyOn(fleet.store, 'writeSecret').mockReturnValue(new Promise(() => undefined));
    const writing = writer.secrets.set('KEY', 'new').catch((error: unknown) => error);
    await fleet.time.advance(1);

    void writer.close();
    await fleet.time.advance(1);

    expect(await writing).toMatchObject({ code: 'CANCELLED' });
    expect(reader.secrets.fleet.received).toBe(1);
  });

  it('reads a pinned secret at once that is revoked while its spread expiry is ahead', async () => {
    const [one, other] = await fleet.startTwo({ fleet: { spreadMs: 60_000 } });
    await other.secrets.get('KEY');
    other.secrets.secret('KEY').onChange(() => undefined);
    await one.secrets.set('KEY', 'new');
    await fleet.time.advance(10);

    one.secrets.invalidate('KEY', { everywhere: true });
    await fleet.time.advance(10);

    expect(other.secrets.inspect()).toMatchObject([{ name: 'KEY', state: 'fresh' }]);
  });

  it('announces once what a webhook has announced, in a store without versions', async () => {
    const [one, other] = await fleet.startTwo();
    const read = fleet.store.readSecret.bind(fleet.store);
    jest.spyOn(fleet.store, 'readSecret').mockImplementation(async (...given) => {
      const reading = await read(...given);
      return reading && { value: reading.value };
    });
    for (const { secrets } of [one, other]) await secrets.get('KEY');
    fleet.store.rotate('KEY', 'new');
    const before = fleet.reads;

    one.secrets.announce(['KEY']);
    await fleet.time.advance(1);
    for (const { secrets } of [one, other]) expect(await secrets.get('KEY')).toBe('new');
    await fleet.time.advance(1_100);
    for (const { secrets } of [one, other]) expect(await secrets.get('KEY')).toBe('new');

    expect(fleet.bus.messages).toHaveLength(1);
    expect(fleet.reads - before).toBe(2);
  });

  it.each(['changed', 'revoked'])(
    'answers with an unchanged value that is reported as %s before the deadline of the call',
    async (kind) => {
      const [one, other] = await fleet.startTwo();
      await other.secrets.get('KEY');

      one.secrets.invalidate('KEY', { everywhere: kind === 'revoked' });
      await fleet.time.advance(1);
      const value = other.secrets.get('KEY', { timeoutMs: 500, maxAgeMs: 10 });
      await fleet.time.advance(500);

      expect(await value).toBe('old');
    },
  );

  it('reads an unchanged value that is announced four times, within 1.4 s', async () => {
    const [one, other] = await fleet.startTwo();
    await other.secrets.get('KEY');
    const before = fleet.reads;

    one.secrets.announce(['KEY']);
    await fleet.time.advance(1);
    const value = other.secrets.get('KEY');
    await fleet.time.advance(1_400);

    expect(await value).toBe('old');
    expect(await other.secrets.get('KEY')).toBe('old');
    expect(fleet.reads - before).toBe(4);
  });

  it('warns once of an instance that hears the others and cannot publish', async () => {
    const [mute, other] = await fleet.startTwo();
    const publish = jest
      .spyOn(mute.transport, 'publish')
      .mockRejectedValue(Object.assign(new Error('sk-canary'), { code: 'EPIPE' }));

    await mute.secrets.set('KEY', 'new');
    await fleet.time.advance(60_000);

    const warnings = [expect.stringContaining('own messages do not come back (UNAVAILABLE)')];
    expect(mute.warnings).toEqual(warnings);
    expect(mute.secrets.fleet).toMatchObject({ state: 'connected', pending: 1 });
    expect((await mute.secrets.set('KEY', 'newer')).announced).toBe(false);
    publish.mockRestore();
    await fleet.time.advance(20_000);
    expect(mute.secrets.fleet.pending).toBe(0);
    expect((await mute.secrets.set('KEY', 'new')).announced).toBeUndefined();
    await fleet.time.advance(1_000);
    expect(await other.secrets.get('KEY')).toBe('new');
    expect(String(mute.warnings)).not.toContain('canary');
  });

  it('warns once of an instance whose messages the broker drops without an error', async () => {
    const [mute] = await fleet.startTwo();
    jest.spyOn(mute.transport, 'publish').mockResolvedValue();

    await mute.secrets.set('KEY', 'new');
    await fleet.time.advance(60_000);

    expect(mute.warnings).toEqual([expect.stringContaining('messages do not come back. The')]);
    expect((await mute.secrets.set('KEY', 'newer')).announced).toBe(false);
  });

  it('warns once of an instance alone that cannot publish, and says why it hears nothing', async () => {
    const mute = await fleet.start();
    const refused = new SecretManagerError('ACCESS_DENIED', 'sk-canary');
    jest.spyOn(mute.transport, 'publish').mockRejectedValue(refused);

    await fleet.time.advance(120_000);

    const why = 'its own messages could not be published (ACCESS_DENIED): check that its login may';
    expect(mute.warnings).toEqual([expect.stringContaining(why)]);
    expect((await mute.secrets.set('KEY', 'new')).announced).toBe(false);
  });

  it('warns of nothing when an own message was lost with the connection', async () => {
    const [one, other] = await fleet.startTwo();
    const publish = one.transport.publish.bind(one.transport);
    jest.spyOn(one.transport, 'publish').mockImplementation(async (message) => {
      await fleet.time.sleep(5);
      await publish(message);
    });
    await one.secrets.set('KEY', 'new');
    one.transport.cut();
    await fleet.time.advance(20_000);

    one.transport.reconnect();
    await other.secrets.set('OTHER', 'new');
    await fleet.time.advance(1_000);

    expect(one.secrets.fleet).toMatchObject({ state: 'connected', pending: 0 });
    expect(one.warnings.join()).not.toContain('do not come back');
  });
});
