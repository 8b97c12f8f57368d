import { Injectable } from '@nestjs/common';
import { InjectRotating, rotatingResource, type Rotating } from 'nestjs-custom-secret-manager/live';
import { createTransport, type Transporter } from 'nodemailer';

export const MAILER = Symbol('MAILER');

export const mailerProvider = rotatingResource({
  provide: MAILER,
  secrets: { user: 'SMTP_USER', pass: 'SMTP_PASSWORD' },
  build: ({ user, pass }) =>
    createTransport({ host: 'smtp.example', pool: true, auth: { user, pass } }) as Transporter,
  probe: (transport) => transport.verify(),
  dispose: (transport) => transport.close(),
});

@Injectable()
export class Invoices {
  constructor(@InjectRotating(MAILER) private readonly mailer: Rotating<Transporter>) {}

  async send(to: string): Promise<void> {
    await this.mailer.use((transport) => transport.sendMail({ to, subject: 'Your invoice' }));
  }
}
