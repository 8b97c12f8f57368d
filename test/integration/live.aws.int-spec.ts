import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SecretsService } from 'nestjs-custom-secret-manager';
import { awsCredentials } from 'nestjs-custom-secret-manager/live';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startWith } from '../support/application';
import { LocalServer } from './support/local-server';
import { ROTATIONS, rotateUnderLoad } from './support/rotate-under-load';

jest.setTimeout(60_000 + ROTATIONS * 300);

const KEY_ID = /Credential=([^/]+)\//;

let valid: Set<string>;
let used: Set<string>;
let server: LocalServer;
let store: InMemorySecretManager;
let secrets: SecretsService;
let client: SecretsManagerClient;

const keyIdOf = (round: number): string => `AKIA${round}`;

beforeEach(async () => {
  valid = new Set([keyIdOf(0)]);
  used = new Set();
  server = await new LocalServer(({ headers }) => {
    const keyId = KEY_ID.exec(headers.authorization ?? '')?.[1] ?? '';
    used.add(keyId);
    return valid.has(keyId)
      ? { status: 200, content: { SecretList: [] } }
      : { status: 400, content: { __type: 'UnrecognizedClientException' } };
  }).start();
  store = new InMemorySecretManager({ AWS: credentialsOf(0) });
  ({ secrets } = await startWith(store, { preload: ['AWS'] }));
  client = new SecretsManagerClient({
    region: 'eu-central-1',
    endpoint: server.address,
    credentials: awsCredentials(secrets.secret('AWS')),
    maxAttempts: 1,
  });
});

afterEach(async () => {
  client.destroy();
  await closeApplications();
  await server.stop();
});

function credentialsOf(round: number): string {
  return JSON.stringify({ accessKeyId: keyIdOf(round), secretAccessKey: `secret-${round}` });
}

async function rotate(round: number): Promise<void> {
  valid.add(keyIdOf(round));
  store.rotate('AWS', credentialsOf(round));
  await secrets.refresh('AWS');
}

describe('awsCredentials', () => {
  it('fails no request of the AWS SDK', async () => {
    const { failures } = await rotateUnderLoad({
      feed: 'awsCredentials',
      call: () => client.send(new ListSecretsCommand({})),
      rotate,
      remove: async (round) => void valid.delete(keyIdOf(round)),
      overlapMs: 5_000, // 50 requests are signed in one process
      pauseMs: 50,
    });

    expect(failures).toEqual([]);
    expect(used.size).toBeGreaterThan(ROTATIONS / 4);
  });

  it('is asked again before each request', async () => {
    await client.send(new ListSecretsCommand({}));
    await rotate(1);
    await client.send(new ListSecretsCommand({}));

    expect([...used]).toEqual([keyIdOf(0), keyIdOf(1)]);
  });
});
