import { BoundaryPolicy } from '../../../lib/policies/boundary.policy';
import { BundlePolicy } from '../../../lib/policies/bundle/bundle.policy';
import { CachePolicy } from '../../../lib/policies/cache/cache.policy';
import { SingleFlightPolicy } from '../../../lib/policies/single-flight/single-flight.policy';
import { ScriptedSecretManager } from '../../support/scripted.secret-manager';

const PRIMARY = 'app/secrets';

function bundled(manager: ScriptedSecretManager): BundlePolicy {
  const cache = new CachePolicy(new SingleFlightPolicy(new BoundaryPolicy(manager)));
  return new BundlePolicy(cache, { primarySecretName: PRIMARY, cache });
}

describe('BundlePolicy', () => {
  it('answers any number of keys with one call', async () => {
    const manager = new ScriptedSecretManager(() => '{"A":"1","B":{"c":[1, 2]},"ON":true}');
    const policy = bundled(manager);

    const readings = await Promise.all(
      ['A', 'B', 'ON', 'MISSING'].map((name) => policy.readSecret(name)),
    );

    expect(readings.map((reading) => reading?.value)).toEqual([
      '1',
      '{"c":[1,2]}',
      'true',
      undefined,
    ]);
    expect(manager.asked.map(({ name }) => name)).toEqual([PRIMARY]);
  });

  it('peeks at the last reading, and at a newer one', async () => {
    const manager = new ScriptedSecretManager(() => '{"A":"1"}');
    const policy = bundled(manager);
    await policy.readSecret('A');
    const before = policy.peek('A');

    manager.script = () => '{"A":"2"}';
    await policy.refresh();
    await policy.readSecret('A');

    expect([before, policy.peek('A')]).toEqual(['1', '2']);
  });

  it('gives every key the version and the lease of the primary secret', async () => {
    const manager = new ScriptedSecretManager(() => ({
      value: '{"A":"1"}',
      version: '7',
      validForMs: 60_000,
    }));

    const reading = await bundled(manager).readSecret('A');

    expect(reading).toEqual({ value: '1', version: '7', validForMs: 60_000 });
  });

  it('names the primary secret when it is no JSON object, and quotes nothing of it', async () => {
    const manager = new ScriptedSecretManager(() => 'sk-secret-text');

    const reading = bundled(manager).readSecret('A');

    await expect(reading).rejects.toMatchObject({
      code: 'MALFORMED',
      message: expect.stringMatching(/^(?=.*"app\/secrets")(?!.*sk-)/),
    });
  });

  it('loses no key of a batch to an unusable one', async () => {
    const manager = new ScriptedSecretManager(() => '{"GOOD":"1","BIG":12345678901234567890}');

    const readings = await bundled(manager).readSecrets(['GOOD', 'BIG']);

    expect(readings.get('GOOD')).toMatchObject({ value: '1' });
    expect(readings.get('BIG')).toMatchObject({ code: 'MALFORMED', secretName: 'BIG' });
  });

  it('treats an absent primary secret as the absence of all keys', async () => {
    const policy = bundled(new ScriptedSecretManager(() => undefined));

    expect(await policy.readSecret('A')).toBeUndefined();
  });
});
