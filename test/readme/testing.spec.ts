import { Test } from '@nestjs/testing';
import { SECRET_MANAGER, SecretsService } from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { AppModule } from './quick-start/app.module';

it('serves the cached key while the store is down', async () => {
  const store = new InMemorySecretManager({ OPENAI_API_KEY: 'sk-test' });
  const app = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(SECRET_MANAGER)
    .useValue(store)
    .compile();
  const secrets = app.get(SecretsService);
  await secrets.get('OPENAI_API_KEY');

  store.fail('unavailable');

  expect(await secrets.get('OPENAI_API_KEY')).toBe('sk-test');
  await expect(secrets.get('ANOTHER')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await app.close();
}, 15_000);
