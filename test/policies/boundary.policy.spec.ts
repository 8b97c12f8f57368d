import { SecretManagerError, type SecretAnswer } from 'nestjs-custom-secret-manager';
import { Cancellation, ENDS_BY_CANCELLATION } from '../../lib/core/calls/cancellation';
import { ManagerOptions } from '../../lib/core/calls/manager-options';
import { BoundaryPolicy } from '../../lib/policies/boundary.policy';
import { ScriptedSecretManager, failure } from '../support/scripted.secret-manager';

const answering = (answer: unknown): BoundaryPolicy =>
  new BoundaryPolicy(new ScriptedSecretManager(() => answer as SecretAnswer));

class EndingByCancellation extends ScriptedSecretManager {
  readonly [ENDS_BY_CANCELLATION] = EndingByCancellation;
}

describe('BoundaryPolicy', () => {
  it.each([
    ['a string', 'text', { value: 'text' }],
    ['an empty string', '', { value: '' }],
    [
      'a reading',
      { value: 'v', version: '2', validForMs: 5 },
      { value: 'v', version: '2', validForMs: 5 },
    ],
    ['a reading with more in it', { value: 'v', token: 't' }, { value: 'v' }],
  ])('normalises %s', async (_, answer, reading) => {
    await expect(answering(answer).readSecret('KEY')).resolves.toEqual(reading);
  });

  it.each([undefined, null])('treats %s as an absence', async (answer) => {
    await expect(answering(answer).readSecret('KEY')).resolves.toBeUndefined();
  });

  it.each([
    ['a number', 4242],
    ['a boolean', true],
    ['an array', ['sk-4242']],
    ['an object', { secret: 'sk-4242' }],
    ['an object', { value: 4242 }],
    ['an object', { value: 'sk-4242', version: 7 }],
    ['an object', { value: 'sk-4242', validForMs: -1 }],
    ['an object', { value: 'sk-4242', validForMs: NaN }],
  ])('refuses %s without a quote: %#', async (kind, answer) => {
    const reading = answering(answer).readSecret('KEY');

    await expect(reading).rejects.toMatchObject({
      code: 'MALFORMED',
      secretName: 'KEY',
      message: expect.stringMatching(new RegExp(`^(?!.*4242).*It answered ${kind} for "KEY"`)),
    });
  });

  it('refuses a synchronous read that returns a promise, and leaves no rejection unhandled', () => {
    class Wrong extends ScriptedSecretManager {
      override readSecretSync(): never {
        return Promise.reject(new Error('unhandled')) as never;
      }
    }

    expect(() => new BoundaryPolicy(new Wrong()).readSecretSync('KEY')).toThrow(
      /must answer a string/,
    );
  });

  it('translates the error of a getter in an answer', async () => {
    const answer = {
      get value(): string {
        throw new Error('token=4242');
      },
    };

    await expect(answering(answer).readSecret('KEY')).rejects.toMatchObject({
      code: 'UNKNOWN',
      message: expect.not.stringContaining('4242'),
    });
  });

  it('treats each name of a batch separately, and missing ones as absent', async () => {
    class Batching extends ScriptedSecretManager {
      override async readSecrets(): Promise<Map<string, SecretAnswer | Error>> {
        return new Map<string, SecretAnswer | Error>([
          ['GOOD', 'value'],
          ['BAD', 42 as never],
          ['FAILED', Object.assign(new Error('token=4242'), { status: 403 })],
          ['ENDED', AbortSignal.abort().reason as Error], // a DOMException, of another realm than the test
        ]);
      }
    }

    const readings = await new BoundaryPolicy(new Batching()).readSecrets([
      'GOOD',
      'BAD',
      'FAILED',
      'ENDED',
      'NOT_IN_IT',
    ]);

    expect([...readings]).toMatchObject([
      ['GOOD', { value: 'value' }],
      ['BAD', { code: 'MALFORMED', secretName: 'BAD' }],
      ['FAILED', { code: 'ACCESS_DENIED', secretName: 'FAILED' }],
      ['ENDED', { code: 'CANCELLED', secretName: 'ENDED' }],
      ['NOT_IN_IT', undefined],
    ]);
  });

  it('refuses a batch that is no Map', async () => {
    class Wrong extends ScriptedSecretManager {
      override readSecrets = async (): Promise<never> => ({ KEY: 'value' }) as never;
    }

    await expect(new BoundaryPolicy(new Wrong()).readSecrets(['KEY'])).rejects.toMatchObject({
      code: 'MALFORMED',
      message: expect.stringContaining('Map'),
    });
  });

  it('passes on only the metadata of a write, so that no value leaks', async () => {
    class Writer extends ScriptedSecretManager {
      override writeSecret = async (_: string, value: string): Promise<never> =>
        ({ version: '3', createdAt: new Date(0), value, echo: { value } }) as never;
    }

    const metadata = await new BoundaryPolicy(new Writer()).writeSecret('KEY', 'sk-4242');

    expect(metadata).toEqual({ version: '3', createdAt: new Date(0) });
  });

  it('treats a write that returns an error status, as in LiteLLM, as a failure', async () => {
    class Writer extends ScriptedSecretManager {
      override writeSecret = async (): Promise<never> =>
        ({ status: 'error', message: 'token=4242' }) as never;
    }

    await expect(
      new BoundaryPolicy(new Writer()).writeSecret('KEY', 'value'),
    ).rejects.toMatchObject({
      code: 'UNKNOWN',
      message: expect.not.stringContaining('4242'),
    });
  });

  it('keeps the text of an author, and adds missing fields', async () => {
    const thrown: Error = Object.freeze(new SecretManagerError('CONFLICT', 'The author says so.'));
    const policy = new BoundaryPolicy(
      new ScriptedSecretManager(() => {
        throw thrown;
      }),
    );

    await expect(policy.readSecret('KEY')).rejects.toMatchObject({
      code: 'CONFLICT',
      message: 'The author says so.',
      manager: 'scripted',
      operation: 'readSecret',
      secretName: 'KEY',
    });
  });

  it('shows the original only to the debug hook, and survives a hook that throws', async () => {
    const original = new Error('token=4242');
    const debug = jest.fn(() => {
      throw new Error('of the hook');
    });
    const manager = new ScriptedSecretManager(() => {
      throw original;
    });

    const reading = new BoundaryPolicy(manager, { debug }).readSecret('KEY');

    await expect(reading).rejects.toMatchObject({ code: 'UNKNOWN' });
    expect(debug).toHaveBeenCalledWith(original, 'readSecret');
  });

  it('withholds the text of a plain error of validateEnvironment, and says how to show it', async () => {
    class Picky extends ScriptedSecretManager {
      override validateEnvironment(): void {
        throw new Error('VAULT_TOKEN is "hvs.4242"');
      }
    }

    await expect(new BoundaryPolicy(new Picky()).validateEnvironment()).rejects.toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringMatching(/^(?!.*4242).*throw a SecretManagerError to have it shown/),
    });
  });

  it('shows the text of a SecretManagerError of validateEnvironment, as MISCONFIGURED', async () => {
    class Picky extends ScriptedSecretManager {
      override async validateEnvironment(): Promise<void> {
        throw failure('NOT_FOUND');
      }
    }

    await expect(new BoundaryPolicy(new Picky()).validateEnvironment()).rejects.toMatchObject({
      code: 'MISCONFIGURED',
      message: 'the store failed with NOT_FOUND',
    });
  });

  it('refuses a health check that returns no boolean', async () => {
    class Wrong extends ScriptedSecretManager {
      override checkHealth = async (): Promise<never> => 'ok' as never;
    }

    await expect(new BoundaryPolicy(new Wrong()).checkHealth()).rejects.toMatchObject({
      code: 'MALFORMED',
    });
  });

  it('does not close a manager that it does not own', async () => {
    class Closable extends ScriptedSecretManager {
      override close = jest.fn();
    }
    const own = new Closable();
    const shared = new Closable();

    await new BoundaryPolicy(own).close();
    await new BoundaryPolicy(shared, { closesManager: false }).close();

    expect([own.close.mock.calls.length, shared.close.mock.calls.length]).toEqual([1, 0]);
  });

  it.each([
    ['a manager', ScriptedSecretManager, true],
    ['a manager that ends its calls by itself', EndingByCancellation, false],
    ['a class that extends such a one', class extends EndingByCancellation {}, true],
  ])('hands %s a signal, of its own where a spread must keep it', async (_, Manager, isOwn) => {
    const manager = new Manager();
    const handed = new ManagerOptions(undefined, 1_000, new Cancellation());

    await new BoundaryPolicy(manager).readSecret('KEY', handed);

    const options = manager.asked[0]?.options ?? {};
    expect('signal' in { ...options }).toBe(isOwn);
    expect(options.signal).toBeInstanceOf(AbortSignal);
  });
});
