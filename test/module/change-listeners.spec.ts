import { Controller, Injectable, Scope, type ModuleMetadata } from '@nestjs/common';
import {
  OnSecretChange,
  SecretManagerModule,
  SecretsService,
  getSecretsServiceToken,
  type SecretChange,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startApplication } from '../support/application';
import { failureOf } from '../support/failure-of';

describe('@OnSecretChange', () => {
  let store: InMemorySecretManager;
  let other: InMemorySecretManager;
  let told: string[];

  beforeEach(() => {
    store = new InMemorySecretManager({ KEY: 'first', TOKEN: 'first' });
    other = new InMemorySecretManager({ KEY: 'first' }, 'the-other');
    told = [];
  });

  afterEach(closeApplications);

  const start = (metadata: ModuleMetadata) =>
    startApplication({
      ...metadata,
      imports: [
        SecretManagerModule.forRoot({
          manager: { useFactory: () => store },
          preload: ['KEY', 'TOKEN'],
          environment: {},
        }),
        SecretManagerModule.forRoot({
          name: 'other',
          manager: { useFactory: () => other },
          preload: ['KEY'],
          environment: {},
        }),
      ],
    });

  const tell = (who: string, { name, manager }: SecretChange): void => {
    told.push(`${who} ${name} of ${manager}`);
  };

  it('calls methods of providers and controllers, with their instance', async () => {
    @Injectable()
    class Provider {
      readonly who = 'provider';
      @OnSecretChange(['KEY', 'TOKEN', 'LATER'])
      onChange(change: SecretChange): void {
        tell(this.who, change);
      }
    }
    @Controller()
    class OneController {
      @OnSecretChange('KEY', { managerName: 'other' })
      @OnSecretChange('KEY')
      onChange(change: SecretChange): void {
        tell('controller', change);
      }
    }
    const app = await start({
      providers: [Provider, { provide: 'alias', useExisting: Provider }],
      controllers: [OneController],
    });

    store.rotate('KEY', 'second');
    store.rotate('TOKEN', 'second');
    other.rotate('KEY', 'second');
    await app.get(SecretsService).refresh();
    await app.get<SecretsService>(getSecretsServiceToken('other')).refresh();

    expect(told.sort()).toEqual([
      'controller KEY of in-memory',
      'controller KEY of the-other',
      'provider KEY of in-memory',
      'provider TOKEN of in-memory',
    ]);
  });

  it.each([Scope.REQUEST, Scope.TRANSIENT])(
    'keeps an application from starting on a provider of scope %s',
    async (scope) => {
      @Injectable({ scope })
      class Provider {
        @OnSecretChange('KEY')
        onChange(change: SecretChange): void {
          tell('nobody', change);
        }
      }

      const { code, message } = await failureOf(start({ providers: [Provider] }));

      expect(code).toBe('MISCONFIGURED');
      expect(message).toContain('Provider.onChange()');
    },
  );

  it('keeps an application from starting for a manager that is not registered', async () => {
    @Injectable()
    class Provider {
      @OnSecretChange('KEY', { managerName: 'missing' })
      onChange(change: SecretChange): void {
        tell('nobody', change);
      }
    }

    const { code, message } = await failureOf(start({ providers: [Provider] }));

    expect(code).toBe('MISCONFIGURED');
    expect(message).toMatch(/"missing".*"default", "other"/);
  });

  it('keeps an application from starting for a wrong name', async () => {
    @Injectable()
    class Provider {
      @OnSecretChange(['KEY', ''])
      onChange(change: SecretChange): void {
        tell('nobody', change);
      }
    }

    const { code } = await failureOf(start({ providers: [Provider] }));

    expect(code).toBe('INVALID_ARGUMENT');
  });
});
