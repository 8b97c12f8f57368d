import { ConfigService } from '@nestjs/config';
import { type SecretsService } from 'nestjs-custom-secret-manager';
import { closeApplications, startWith } from '../support/application';
import { OutsideServer } from '../support/outside-server';
import { BothWaysSecretManager } from './both-ways.secret-manager';

describe('The synchronous example of the README', () => {
  const store = new OutsideServer();
  let secrets: SecretsService;

  beforeAll(async () => {
    await store.start();
    const config = new ConfigService({ STORE_URL: store.address });
    ({ secrets } = await startWith(new BothWaysSecretManager(config)));
  });

  afterAll(async () => {
    await closeApplications();
    await store.stop();
  });

  it('answers at once what the store answers', () => {
    expect(secrets.getSync('OPENAI_API_KEY')).toBe('{"value":"value of OPENAI_API_KEY"}');
  });

  it('answers undefined where there is none', () => {
    expect(secrets.getSync('ABSENT')).toBeUndefined();
  });
});
