import { Inject, Injectable, type DynamicModule } from '@nestjs/common';
import { createHmac } from 'node:crypto';
import { asyncModule, type AsyncOptions } from './async-module';

export interface JwtModuleOptions {
  readonly secretOrKeyProvider: () => string | Promise<string>;
  readonly signOptions?: { readonly expiresIn?: '15m' };
}

export const JWT_OPTIONS = 'JWT_MODULE_OPTIONS';

/** A fake of the service of `@nestjs/jwt` 12: it asks for the secret at each call, as the real one does. */
@Injectable()
export class JwtService {
  constructor(@Inject(JWT_OPTIONS) private readonly options: JwtModuleOptions) {}

  async signAsync(payload: object): Promise<string> {
    const body = Buffer.from(JSON.stringify(payload)).toString('base64url');
    return `${body}.${await this.signatureOf(body)}`;
  }

  async verifyAsync(token: string): Promise<unknown> {
    const [body = '', signature] = token.split('.');
    if (signature !== (await this.signatureOf(body))) throw new Error('invalid signature');
    return JSON.parse(Buffer.from(body, 'base64url').toString());
  }

  private async signatureOf(body: string): Promise<string> {
    const secret = await this.options.secretOrKeyProvider();
    return createHmac('sha256', secret).update(body).digest('base64url');
  }
}

export class JwtModule {
  static registerAsync(options: AsyncOptions<JwtModuleOptions>): DynamicModule {
    return asyncModule(JwtModule, JWT_OPTIONS, options, [JwtService]);
  }
}
