import { SecretManagerModule, SecretsService } from 'nestjs-custom-secret-manager';
import { InMemorySecretManager, rotatingOf } from 'nestjs-custom-secret-manager/testing';
import type { Transporter } from 'nodemailer';
import { CapturedLog, closeApplications, startApplication } from '../../support/application';
import { AuditListener } from './audit.listener';
import { Invoices } from './mailer';
import { PartnerClient } from './partner.client';

describe('the examples of the page on live secrets', () => {
  const store = new InMemorySecretManager();
  const log = new CapturedLog();

  beforeEach(async () => {
    store.rotate('PARTNER_API_KEY', 'old');
    store.rotate('DB_PASSWORD', 'old');
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await closeApplications();
  });

  it('send a rejected request once more with the next key, and report the change', async () => {
    const app = await startApplication(
      {
        imports: [
          SecretManagerModule.forRoot({ manager: { useFactory: () => store } }),
          SecretManagerModule.forFeature(['PARTNER_API_KEY']),
        ],
        providers: [PartnerClient, AuditListener],
      },
      log,
    );
    jest
      .spyOn(globalThis, 'fetch')
      .mockImplementation(async (_, init) =>
        JSON.stringify(init?.headers).includes('new')
          ? Response.json(['an order'])
          : Response.json({}, { status: 401 }),
      );
    store.rotate('PARTNER_API_KEY', 'new');

    await expect(app.get(PartnerClient).orders()).resolves.toEqual(['an order']);

    expect(app.get(SecretsService).secret('PARTNER_API_KEY').reveal()).toBe('new');
    expect(log.lines.join()).toMatch(/PARTNER_API_KEY: \d+ -> \d+ at/);
  });

  it('send mail by the resource of the moment', async () => {
    const sent: unknown[] = [];
    const transport = { sendMail: (mail: unknown) => void sent.push(mail) };

    await new Invoices(rotatingOf(transport as unknown as Transporter)).send('a@example.com');

    expect(sent).toEqual([{ to: 'a@example.com', subject: 'Your invoice' }]);
  });
});
