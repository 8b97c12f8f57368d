import { Injectable } from '@nestjs/common';
import { IsString } from 'class-validator';
import {
  OnSecretChange,
  Secret,
  SecretManagerModule,
  SecretValue,
  SecretsService,
} from 'nestjs-custom-secret-manager';
import { rotatingResource, type Rotating } from 'nestjs-custom-secret-manager/live';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startApplication } from '../support/application';
import { failureOf } from '../support/failure-of';

class Login {
  @IsString() readonly user!: string;
  @IsString() readonly password!: string;
}
class Mail {
  @SecretValue('LOGIN', { json: Login }) readonly login!: Secret<Login>;
  @SecretValue('PORT', { parse: Number, optional: true }) readonly port!:
    Secret<number> | undefined;
}

const login = (password: string): string => JSON.stringify({ user: 'u', password });

describe('a class with @SecretValue', () => {
  let store: InMemorySecretManager;

  beforeEach(() => {
    store = new InMemorySecretManager({ LOGIN: login('first'), TOKEN: 'token' });
  });

  afterEach(closeApplications);

  const root = () =>
    SecretManagerModule.forRoot({ manager: { useFactory: () => store }, environment: {} });

  it('tells the changes of a field to @OnSecretChange', async () => {
    const told: string[] = [];
    @Injectable()
    class Listener {
      constructor(private readonly mail: Mail) {}
      @OnSecretChange([Mail, 'login'])
      onChange(): void {
        told.push(this.mail.login.reveal().password);
      }
    }
    const app = await startApplication({
      imports: [root(), SecretManagerModule.forFeature(Mail)],
      providers: [Listener],
    });
    const secrets = app.get(SecretsService);

    for (const value of ['bad', login('second'), login('second'), '{}', login('third')]) {
      store.rotate('LOGIN', value);
      await secrets.refresh('LOGIN');
    }

    expect(told).toEqual(['second', 'third']);
  });

  it('fails the start if @OnSecretChange names a field that does not exist', async () => {
    @Injectable()
    class Listener {
      // @ts-expect-error no such field
      @OnSecretChange([Mail, 'logon'])
      onChange(): void {
        throw new Error('is never called');
      }
    }
    const error = await failureOf(startApplication({ imports: [root()], providers: [Listener] }));

    expect(error).toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringMatching(/Mail has no field "logon"/),
    });
  });

  it('is a source of a rotating resource, with the values of one moment', async () => {
    interface Transport {
      readonly mail: Mail;
      readonly password: string;
      readonly port: number | undefined;
      readonly token: string;
    }
    const resource = rotatingResource({
      provide: 'MAILER',
      secrets: { mail: Mail, token: 'TOKEN' },
      build: ({ mail, token }): Transport => ({
        mail,
        password: mail.login.reveal().password,
        port: mail.port?.reveal(),
        token: token.toUpperCase(),
      }),
    });
    const app = await startApplication({ imports: [root()], providers: [resource] });
    const secrets = app.get(SecretsService);
    const mailer = app.get<Rotating<Transport>>('MAILER');
    const first = mailer.current;
    const until = async (generation: number): Promise<void> => {
      while (mailer.generation < generation) await new Promise((resolve) => setImmediate(resolve));
    };

    store.rotate('LOGIN', 'bad');
    await secrets.refresh('LOGIN');
    store.rotate('LOGIN', login('second'));
    await secrets.refresh('LOGIN');
    await until(2);
    store.rotate('PORT', '25');
    await secrets.refresh('PORT');
    await until(3);

    expect(first).toMatchObject({ password: 'first', port: undefined, token: 'TOKEN' });
    expect(mailer.current).toMatchObject({ password: 'second', port: 25, token: 'TOKEN' });
    expect(first.mail).toBeInstanceOf(Mail);
    expect(first.mail.login.reveal().password).toBe('first');
    expect(mailer.state).toBe('ready');
  });

  it('fails the start of a rotating resource with all its problems', async () => {
    const resource = rotatingResource({
      provide: 'MAILER',
      secrets: { mail: Mail },
      build: () => 1,
    });
    store.rotate('LOGIN', '{}');
    store.rotate('PORT', 'x');

    const error = await failureOf(startApplication({ imports: [root()], providers: [resource] }));

    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toMatch(/Mail\.login: .*isString of user[^]*Mail\.port: .*NaN/);
  });
});
