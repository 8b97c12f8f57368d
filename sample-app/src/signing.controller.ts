import { createHmac } from 'node:crypto';
import { Controller, Get, Param } from '@nestjs/common';
import { InjectSecret, type Secret } from 'nestjs-custom-secret-manager';
import { EXAMPLES } from './examples';

@Controller()
export class SigningController {
  constructor(@InjectSecret('SIGNING_KEY') private readonly signingKey: Secret) {}

  @Get()
  examples(): typeof EXAMPLES {
    return EXAMPLES;
  }

  /** The key is revealed where it is used, so that a rotation takes effect with the next request. */
  @Get('sign/:message')
  sign(@Param('message') message: string): { message: string; signature: string } {
    const hmac = createHmac('sha256', this.signingKey.reveal());
    return { message, signature: hmac.update(message).digest('hex') };
  }
}
