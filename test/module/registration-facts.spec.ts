import {
  CustomSecretManager,
  SecretManagerError,
  SecretManagerModule,
  type RegistrationFacts,
} from 'nestjs-custom-secret-manager';
import { closeApplications, startApplication, startWith } from '../support/application';
import { failureOf } from '../support/failure-of';

class CheckingManager extends CustomSecretManager {
  readonly facts: RegistrationFacts[] = [];
  readonly order: string[] = [];

  constructor(private readonly refused?: string | Error) {
    super('checking');
  }

  override validateRegistration(facts: RegistrationFacts): void {
    this.order.push('registration');
    this.facts.push(facts);
    if (this.refused instanceof Error) throw this.refused;
    if (this.refused !== undefined && facts.secretNames.includes(this.refused)) {
      throw new SecretManagerError('INVALID_ARGUMENT', `${this.refused} is refused.`);
    }
  }

  override validateEnvironment(): void {
    this.order.push('environment');
  }

  readSecret(): Promise<string> {
    return Promise.resolve('value');
  }
}

describe('The facts of a registration', () => {
  afterEach(closeApplications);

  it('reach the manager before its environment is checked', async () => {
    const manager = new CheckingManager();

    await startWith(manager, {
      settings: {
        hostedKeys: ['os.environ/A', 'B'],
        storeVirtualKeys: true,
        description: 'of the gateway',
        tags: { team: 'payments' },
      },
      preload: ['B', 'OF_THE_ENVIRONMENT'],
      environment: { OF_THE_ENVIRONMENT: 'value' },
      fallback: 'on-unavailable',
    });

    expect(manager.order.slice(0, 2)).toEqual(['registration', 'environment']);
    expect(manager.facts.at(-1)).toEqual({
      secretNames: ['A', 'B'],
      virtualKeyPrefix: 'litellm/',
      fallback: 'on-unavailable',
      description: 'of the gateway',
      tags: { team: 'payments' },
    });
  });

  it('hold the names of preload and forFeature', async () => {
    const manager = new CheckingManager();

    await startApplication({
      imports: [
        SecretManagerModule.forRoot({ manager: { useValue: manager }, preload: ['A'] }),
        SecretManagerModule.forFeature(['B']),
      ],
    });

    expect(manager.facts.at(-1)?.secretNames).toEqual(['A', 'B']);
    expect(manager.facts.at(-1)?.virtualKeyPrefix).toBeUndefined();
  });

  it('hold only the primary secret if it contains the others', async () => {
    const manager = new CheckingManager();
    manager.readSecret = () => Promise.resolve('{"A":"value"}');

    await startWith(manager, { settings: { primarySecretName: 'ALL' }, preload: ['A'] });

    expect(manager.facts.at(-1)?.secretNames).toEqual(['ALL']);
  });

  it.each(['A', 'B'])(
    'end the start with MISCONFIGURED if the manager refuses %s',
    async (name) => {
      const manager = new CheckingManager(name);

      const error = await failureOf(
        startApplication({
          imports: [
            SecretManagerModule.forRoot({ manager: { useValue: manager }, preload: ['A'] }),
            SecretManagerModule.forFeature(['B']),
          ],
        }),
      );

      expect(error).toMatchObject({ code: 'MISCONFIGURED', manager: 'checking' });
      expect(error.message).toMatch(`${name} is refused.`);
    },
  );

  it('withhold the text of a plain error', async () => {
    const shown: unknown[] = [];
    const thrown = new Error('canary-91ab');

    const error = await failureOf(
      startWith(new CheckingManager(thrown), { debug: (original) => shown.push(original) }),
    );

    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).not.toMatch('canary-91ab');
    expect(shown).toEqual([thrown]);
  });
});

describe('The explanation of an absence', () => {
  afterEach(closeApplications);

  it('stands in NOT_FOUND of getOrThrow', async () => {
    class Explaining extends CheckingManager {
      override readSecret(): Promise<never> {
        return Promise.resolve(undefined as never);
      }
      override explainAbsence(): string {
        return 'Here, a secret without a value is missing, too.';
      }
    }
    const { secrets } = await startWith(new Explaining());

    const error = await failureOf(secrets.getOrThrow('KEY'));

    expect(error.code).toBe('NOT_FOUND');
    expect(error.message).toMatch(/environment has it\. Here, a secret without a value is missing/);
  });
});
