import {
  Inject,
  Injectable,
  Scope,
  forwardRef,
  type OnModuleInit,
  type Type,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import {
  CustomSecretManager,
  InjectSecret,
  InjectSecrets,
  InjectVirtualKeys,
  Secret,
  SecretManagerModule,
  SecretsService,
  VirtualKeysService,
  getSecretToken,
  type ManagerBinding,
  type SecretManagerModuleRootOptions,
} from 'nestjs-custom-secret-manager';
import { closeApplications, startApplication } from '../support/application';
import { failureOf } from '../support/failure-of';

abstract class Base extends CustomSecretManager {
  override async readSecret(): Promise<string> {
    return 'value';
  }
}

@Injectable()
class Direct extends Base {
  constructor(readonly secrets: SecretsService) {
    super();
  }
}

@Injectable()
class Forward extends Base {
  constructor(@Inject(forwardRef(() => SecretsService)) readonly secrets: SecretsService) {
    super();
  }
}

@Injectable()
class ByProperty extends Base {
  @Inject(SecretsService) readonly secrets!: SecretsService;
}

@Injectable()
class OfSecret extends Base {
  constructor(@InjectSecret('TOKEN') readonly token: Secret) {
    super();
  }
}

@Injectable()
class OfSecretProperty extends Base {
  @InjectSecret('TOKEN') readonly token!: Secret;
}

@Injectable()
class ByToken extends Base {
  constructor(@Inject(getSecretToken('TOKEN')) readonly token: Secret) {
    super();
  }
}

@Injectable()
class OfKeys extends Base {
  constructor(@InjectVirtualKeys() readonly keys: VirtualKeysService) {
    super();
  }
}

@Injectable()
class OfNamed extends Base {
  constructor(@InjectSecrets('billing') readonly secrets: SecretsService) {
    super();
  }
}

@Injectable()
class Helper {
  constructor(readonly secrets: SecretsService) {}
}

@Injectable()
class ThroughHelper extends Base {
  constructor(readonly helper: Helper) {
    super();
  }
}

@Injectable()
class ForwardHelper {
  constructor(@Inject(forwardRef(() => SecretsService)) readonly secrets: SecretsService) {}
}

@Injectable()
class ThroughForwardHelper extends Base {
  constructor(@Inject(forwardRef(() => ForwardHelper)) readonly helper: ForwardHelper) {
    super();
  }
}

const FEATURE = SecretManagerModule.forFeature(['TOKEN']);

const REMEDY = /injects SecretsService or one of its secrets.*ConfigService/;

describe('a manager that depends on itself', () => {
  afterEach(closeApplications);

  it.each<[string, Type<CustomSecretManager>, Partial<SecretManagerModuleRootOptions>]>([
    ['SecretsService', Direct, {}],
    ['SecretsService through forwardRef', Forward, {}],
    ['SecretsService as a property', ByProperty, {}],
    ['VirtualKeysService', OfKeys, {}],
    ['a secret', OfSecret, {}],
    ['a secret as a property', OfSecretProperty, {}],
    [
      'a secret that it imports',
      OfSecret,
      { imports: [SecretManagerModule.forFeature(['TOKEN'])] },
    ],
    ['SecretsService as a class of useClass', Direct, { manager: { useClass: Direct } }],
    ['SecretsService in a registration for all modules', Direct, { isGlobal: true }],
    ['the SecretsService of its own name', OfNamed, { name: 'billing' }],
  ])('is reported at start if it injects %s', async (_, manager, options) => {
    const error = await failureOf(async () =>
      startApplication({ imports: [SecretManagerModule.forRoot({ manager, ...options })] }),
    );

    expect(error).toMatchObject({ code: 'MISCONFIGURED' });
    expect(error.message).toMatch(new RegExp(`${manager.name} ${REMEDY.source}`));
  });

  it('is reported for a factory, too', async () => {
    const manager = {
      useFactory: (secrets: SecretsService) => new Direct(secrets),
      inject: [SecretsService],
    };

    const error = await failureOf(async () =>
      startApplication({ imports: [SecretManagerModule.forRoot({ manager })] }),
    );

    expect(error.message).toMatch(REMEDY);
  });

  it.each<[string, ManagerBinding]>([
    ['a class', ByToken],
    [
      'a factory',
      { useFactory: () => new ByToken({} as Secret), inject: [getSecretToken('TOKEN')] },
    ],
  ])(
    'does not wait for itself through the token of a secret that %s imports',
    async (_, manager) => {
      const root = SecretManagerModule.forRoot({ manager, imports: [FEATURE] });

      const error = await failureOf(async () => startApplication({ imports: [root] }));

      expect(error).toMatchObject({ code: 'MISCONFIGURED' });
      expect(error.message).toMatch(REMEDY);
    },
  );

  it.each<[string, Type]>([
    ['SecretsService', SecretsService],
    ['VirtualKeysService', VirtualKeysService],
  ])('leaves %s to be got from the application', async (_, type) => {
    const app = await startApplication({
      imports: [SecretManagerModule.forRoot({ manager: class Other extends Base {} })],
    });

    expect(app.get(type)).toBeInstanceOf(type);
    expect(app.get(type, { strict: false })).toBeInstanceOf(type);
    expect(app.get(ModuleRef).introspect(type)).toEqual({ scope: Scope.DEFAULT });
  });

  it('may inject the service of another manager', async () => {
    const app = await startApplication({
      imports: [
        SecretManagerModule.forRoot({
          name: 'billing',
          manager: class Other extends Base {},
          isGlobal: true,
        }),
        SecretManagerModule.forRoot({ manager: OfNamed }),
      ],
    });

    await expect(app.get(SecretsService).get('KEY')).resolves.toBe('value');
  });

  it.each<[string, Type<CustomSecretManager>, Type]>([
    ['a provider of extraProviders', ThroughHelper, Helper],
    ['forwardRef and a provider of extraProviders', ThroughForwardHelper, ForwardHelper],
  ])('does not wait for itself through %s', async (_, manager, helper) => {
    const root = SecretManagerModule.forRoot({ manager, extraProviders: [helper], isGlobal: true });

    const error = await failureOf(startApplication({ imports: [root] }));

    expect(error).toMatchObject({ code: 'MISCONFIGURED' });
    expect(error.message).toMatch(/ConfigService/);
  });

  it('does not wait for itself if it reads the same secret from the service', async () => {
    @Injectable()
    class Recursive extends CustomSecretManager implements OnModuleInit {
      private secrets: SecretsService | undefined;
      constructor(private readonly moduleRef: ModuleRef) {
        super('recursive');
      }
      onModuleInit(): void {
        this.secrets = this.moduleRef.get(SecretsService, { strict: false });
      }
      override async readSecret(name: string): Promise<string | undefined> {
        return this.secrets?.get(name);
      }
    }
    const app = await startApplication({
      imports: [SecretManagerModule.forRoot({ manager: Recursive })],
    });

    const error = await failureOf(app.get(SecretsService).get('TOKEN'));

    expect(error).toMatchObject({ code: 'MISCONFIGURED' });
    expect(error.message).toMatch(/recursive asked SecretsService for "TOKEN".*ConfigService/);
  });
});
