import { ConfigService } from '@nestjs/config';
import { type SecretsService } from 'nestjs-custom-secret-manager';
import { closeApplications, startWith } from '../support/application';
import { OutsideServer } from '../support/outside-server';
import { BothWaysSecretManager } from './both-ways.secret-manager';

describe('The page on synchronous reads', () => {
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

  it('returns the value of the store without a promise', () => {
    expect(secrets.getSync('OPENAI_API_KEY')).toBe('{"value":"value of OPENAI_API_KEY"}');
  });

  it('returns undefined for a missing secret', () => {
    expect(secrets.getSync('ABSENT')).toBeUndefined();
  });
});
