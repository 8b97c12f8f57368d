import { Test } from '@nestjs/testing';
import { SECRET_MANAGER, SecretManagerModule, SecretsService } from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';

describe('an application under jest, with no configuration of jest', () => {
  it('reads from the store of the test', async () => {
    const manager = { useValue: new InMemorySecretManager() };
    const module = await Test.createTestingModule({
      imports: [SecretManagerModule.forRoot({ manager })],
    })
      .overrideProvider(SECRET_MANAGER)
      .useValue(new InMemorySecretManager({ NAME: 'of the test' }))
      .compile();
    const app = await module.init();

    const value = await app.get(SecretsService).get('NAME');
    await app.close();

    expect(value).toBe('of the test');
  });
});
