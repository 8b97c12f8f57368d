import { failureOf } from '../../support/failure-of';
import type { RecordedRequest } from '../../support/fake-google-secret-manager';
import { GoogleFixture } from './fixture';

const isAdding = ({ path }: RecordedRequest): boolean => path.endsWith(':addVersion');
const isListing = ({ path }: RecordedRequest): boolean => path.includes('/versions?');
const isDeleting = ({ method }: RecordedRequest): boolean => method === 'DELETE';

describe('A write to Google Secret Manager', () => {
  const google = new GoogleFixture();

  beforeEach(() => google.start());
  afterEach(() => google.stop());

  const valueOf = async (name: string): Promise<unknown> =>
    (await google.manager().readSecret(name))?.value;

  it('adds a version to a secret that exists, in one request with its checksum', async () => {
    google.fake.store.put('KEY', 'first');

    const metadata = await google.manager().writeSecret('KEY', '123456789');

    expect(metadata).toEqual({ version: '2', createdAt: expect.any(Date) as Date });
    expect(google.fake.asked).toEqual(['POST /v1/projects/p/secrets/KEY:addVersion']);
    expect(JSON.parse(google.fake.requests[0]?.text ?? '')).toEqual({
      payload: { data: 'MTIzNDU2Nzg5', dataCrc32c: '3808858755' },
    });
  });

  it('creates a missing secret, then adds its version', async () => {
    await google.manager().writeSecret('KEY', 'value');

    expect(google.fake.asked.slice(1)).toEqual([
      'POST /v1/projects/p/secrets?secretId=KEY',
      'POST /v1/projects/p/secrets/KEY:addVersion',
    ]);
    expect(google.fake.store.replicationOf('KEY')).toEqual({ automatic: {} });
    await expect(valueOf('KEY')).resolves.toBe('value');
  });

  it('creates it in the places of the option `replication`', async () => {
    const replication = { userManaged: { replicas: [{ location: 'europe-west1' }] } };

    await google.manager({ replication }).writeSecret('KEY', 'value');

    expect(google.fake.store.replicationOf('KEY')).toEqual(replication);
  });

  it('creates a regional secret without replication', async () => {
    const manager = google.manager({ location: 'europe-west3' });

    await manager.writeSecret('KEY', 'value');

    await expect(manager.readSecret('KEY')).resolves.toMatchObject({ value: 'value' });
    await expect(valueOf('KEY')).resolves.toBeUndefined();
  });

  it.each([
    ['empty', ''],
    ['larger than 64 KiB', 'ä'.repeat(32_769)],
  ])('refuses a value that is %s without a request', async (_, value) => {
    const failure = await failureOf(google.manager().writeSecret('KEY', value));

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT', secretName: 'KEY' });
    expect(google.fake.requests).toEqual([]);
  });

  it('takes a value of 64 KiB', async () => {
    await google.manager().writeSecret('KEY', 'ä'.repeat(32_768));

    await expect(valueOf('KEY')).resolves.toHaveLength(32_768);
  });

  it.each(['writeSecret', 'deleteSecret', 'describeSecret'] as const)(
    '%s takes no params',
    async (operation) => {
      const manager = google.manager();
      const options = { params: { version: 1 } };

      const failure = await failureOf(
        operation === 'writeSecret'
          ? manager.writeSecret('KEY', 'value', options)
          : manager[operation]('KEY', options),
      );

      expect(failure.code).toBe('INVALID_ARGUMENT');
    },
  );

  describe('whose value cannot be added to a secret that it created', () => {
    it('deletes the secret again, and keeps the error', async () => {
      google.fake.fail('throttled', isAdding);
      const manager = google.manager();

      const failure = await failureOf(manager.writeSecret('KEY', 'value', { createOnly: true }));

      expect(failure).toMatchObject({ code: 'THROTTLED', secretName: 'KEY' });
      expect(google.fake.store.versionsOf('KEY')).toBeUndefined();
    });

    it('deletes it after a deadline as well, in its own time', async () => {
      google.fake.fail('hanging', isAdding);
      const options = { createOnly: true, timeoutMs: 100 };

      const failure = await failureOf(google.manager().writeSecret('KEY', 'value', options));

      expect(failure.code).toBe('TIMEOUT');
      expect(google.fake.store.versionsOf('KEY')).toBeUndefined();
    });

    it('is UNKNOWN if the deletion fails', async () => {
      google.fake.fail('unavailable', (request) => isAdding(request) || isDeleting(request));

      const failure = await failureOf(
        google.manager().writeSecret('KEY', 'value', { createOnly: true }),
      );

      expect(failure).toMatchObject({
        code: 'UNKNOWN',
        causeCode: 'UNAVAILABLE',
        secretName: 'KEY',
      });
      expect(google.fake.store.versionsOf('KEY')).toBe(0);
    });

    it('deletes it as well if the login may not look at versions', async () => {
      google.fake.fail('denied', (request) => isAdding(request) || isListing(request));

      const failure = await failureOf(
        google.manager().writeSecret('KEY', 'value', { createOnly: true }),
      );

      expect(failure.code).toBe('ACCESS_DENIED');
      expect(google.fake.store.versionsOf('KEY')).toBeUndefined();
    });

    it('leaves the value of another writer alone', async () => {
      google.fake.fail('denied', (request) => {
        if (!isAdding(request)) return false;
        google.fake.store.put('KEY', 'of another writer');
        return true;
      });

      const failure = await failureOf(
        google.manager().writeSecret('KEY', 'value', { createOnly: true }),
      );

      google.fake.fail(undefined);
      expect(failure.code).toBe('ACCESS_DENIED');
      await expect(valueOf('KEY')).resolves.toBe('of another writer');
    });

    it('never deletes a secret that was there before', async () => {
      google.fake.store.put('KEY', 'first');
      google.fake.fail('unavailable', isAdding);

      await failureOf(google.manager().writeSecret('KEY', 'value'));

      expect(google.fake.asked.filter((asked) => asked.startsWith('DELETE'))).toEqual([]);
      expect(google.fake.store.versionsOf('KEY')).toBe(1);
    });
  });

  describe('with createOnly', () => {
    const createOnly = true;

    it('is a CONFLICT for a secret that has a version, in whatever state', async () => {
      google.fake.store.put('KEY', 'first');
      google.fake.store.setState('KEY', 1, 'DESTROYED');

      const failure = await failureOf(google.manager().writeSecret('KEY', 'value', { createOnly }));

      expect(failure).toMatchObject({ code: 'CONFLICT', secretName: 'KEY' });
      expect(google.fake.store.versionsOf('KEY')).toBe(1);
    });

    it('is a CONFLICT for a secret that exists if the login may not look at versions', async () => {
      google.fake.store.put('KEY', 'first');
      google.fake.fail('denied', isListing);

      const failure = await failureOf(google.manager().writeSecret('KEY', 'value', { createOnly }));

      expect(failure).toMatchObject({ code: 'CONFLICT', secretName: 'KEY' });
      expect(google.fake.store.versionsOf('KEY')).toBe(1);
    });

    it('fills a secret without versions, and keeps its annotations', async () => {
      google.fake.store.putEmpty('KEY', { team: 'payments' });
      const tags = { stage: 'test' };
      const manager = google.manager();

      const metadata = await manager.writeSecret('KEY', 'value', { createOnly, tags });

      expect(metadata.version).toBe('1');
      await expect(valueOf('KEY')).resolves.toBe('value');
      const described = await manager.describeSecret('KEY');
      expect(described).toEqual({ tags: { team: 'payments', stage: 'test' } });
    });

    it('lets one of several managers fill an empty secret', async () => {
      google.fake.store.putEmpty('KEY');
      const writes = ['one', 'two', 'three'].map((value) =>
        google.manager().writeSecret('KEY', value, { createOnly }),
      );

      const outcomes = await Promise.allSettled(writes);

      const won = outcomes.filter(({ status }) => status === 'fulfilled');
      const codes = outcomes.flatMap((outcome) =>
        outcome.status === 'rejected' ? [(outcome.reason as { code: string }).code] : [],
      );
      expect(won).toHaveLength(1);
      expect(codes).toEqual(['CONFLICT', 'CONFLICT']);
      expect(google.fake.store.versionsOf('KEY')).toBe(1);
    });

    it('waits for a creator that is about to add its value', async () => {
      google.fake.store.putEmpty('KEY');
      const write = google.manager().writeSecret('KEY', 'late', { createOnly });
      setTimeout(() => google.fake.store.put('KEY', 'of the creator'), 150);

      await expect(write).rejects.toMatchObject({ code: 'CONFLICT' });
      await expect(valueOf('KEY')).resolves.toBe('of the creator');
    });
  });

  describe('with description and tags', () => {
    it('creates the secret with them as annotations', async () => {
      const described = { description: 'of the shop', tags: { team: 'payments' } };

      await google.manager().writeSecret('KEY', 'value', described);

      expect(google.fake.store.annotationsOf('KEY')).toEqual({
        description: 'of the shop',
        team: 'payments',
      });
      await expect(google.manager().describeSecret('KEY')).resolves.toEqual(described);
    });

    it('merges them with those that are there, and sends the etag', async () => {
      google.fake.store.put('KEY', 'first');
      const manager = google.manager();
      await manager.writeSecret('KEY', 'second', { tags: { team: 'a', stage: 'test' } });

      await manager.writeSecret('KEY', 'third', { tags: { team: 'b' }, description: 'new' });

      expect(google.fake.store.annotationsOf('KEY')).toEqual({
        description: 'new',
        team: 'b',
        stage: 'test',
      });
      const patches = google.fake.requests.filter(({ method }) => method === 'PATCH');
      expect(patches.map(({ text }) => text).every((text) => text.includes('"etag":"'))).toBe(true);
      expect(patches.map(({ path }) => path.replace(/^.*\?/, ''))).toEqual(
        Array(2).fill('updateMask=annotations'),
      );
    });

    it('sends no PATCH if they are there already', async () => {
      const manager = google.manager();
      await manager.writeSecret('KEY', 'first', { tags: { team: 'a' } });

      await manager.writeSecret('KEY', 'second', { tags: { team: 'a' } });

      expect(google.fake.asked.filter((asked) => asked.startsWith('PATCH'))).toEqual([]);
    });

    it.each([
      ['409 ABORTED', undefined],
      ['400 FAILED_PRECONDITION', { code: 400, status: 'FAILED_PRECONDITION', message: 'etag' }],
    ])('reads and merges again if another etag counts (%s)', async (_, error) => {
      google.fake.store.put('KEY', 'first');
      if (error === undefined) google.fake.store.etagConflicts = 2;
      let left = 2;
      if (error !== undefined) {
        google.fake.fail(
          { status: 400, body: { error } },
          ({ method }) => method === 'PATCH' && left-- > 0,
        );
      }

      await google.manager().writeSecret('KEY', 'second', { tags: { team: 'a' } });

      expect(google.fake.store.annotationsOf('KEY')).toEqual({ team: 'a' });
      await expect(valueOf('KEY')).resolves.toBe('second');
      expect(google.fake.asked.filter((asked) => asked.startsWith('PATCH'))).toHaveLength(3);
    });

    it('is a CONFLICT without a new value if another etag counts each time', async () => {
      google.fake.store.put('KEY', 'first');
      google.fake.store.etagConflicts = 100;

      const failure = await failureOf(
        google.manager().writeSecret('KEY', 'second', { description: 'new' }),
      );

      expect(failure.code).toBe('CONFLICT');
      expect(google.fake.store.versionsOf('KEY')).toBe(1);
    });

    it.each(['a b', '-a', 'a.', 'x'.repeat(64), 'ä', '', 'name', 'description'])(
      'refuses the tag %p',
      async (tag) => {
        const failure = await failureOf(
          google.manager().writeSecret('KEY', 'value', { tags: { [tag]: 'x' } }),
        );

        expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT', secretName: 'KEY' });
        expect(google.fake.requests).toEqual([]);
      },
    );

    it('refuses 16 KiB of them', async () => {
      const description = 'x'.repeat(16_384);

      const failure = await failureOf(
        google.manager().writeSecret('KEY', 'value', { description }),
      );

      expect(failure.code).toBe('INVALID_ARGUMENT');
    });

    it('is denied where the description is denied, and never {}', async () => {
      google.fake.store.put('KEY', 'value');
      google.fake.store.denied.add('KEY');

      await expect(google.manager().describeSecret('KEY')).rejects.toMatchObject({
        code: 'ACCESS_DENIED',
      });
      await expect(google.manager().describeSecret('ABSENT')).resolves.toEqual({});
    });
  });
});

describe('A deletion at Google Secret Manager', () => {
  const google = new GoogleFixture();

  beforeEach(() => google.start());
  afterEach(() => google.stop());

  it.each([{}, { recoveryWindowInDays: 0 }, { recoveryWindowInDays: undefined }])(
    'deletes at once with %p, and takes a missing secret for deleted',
    async (options) => {
      google.fake.store.put('KEY', 'value');
      const manager = google.manager();

      await manager.deleteSecret('KEY', options);
      await manager.deleteSecret('KEY', options);

      await expect(manager.readSecret('KEY')).resolves.toBeUndefined();
    },
  );

  it('is UNSUPPORTED with a recovery window, and deletes nothing', async () => {
    google.fake.store.put('KEY', 'value');

    const failure = await failureOf(
      google.manager().deleteSecret('KEY', { recoveryWindowInDays: 7 }),
    );

    expect(failure).toMatchObject({ code: 'UNSUPPORTED', secretName: 'KEY' });
    expect(google.fake.requests).toEqual([]);
  });

  it('fails for a page that answers in place of Google', async () => {
    google.fake.fail('HTML 404');

    await expect(google.manager().deleteSecret('KEY')).rejects.toMatchObject({
      code: 'MISCONFIGURED',
    });
  });
});
