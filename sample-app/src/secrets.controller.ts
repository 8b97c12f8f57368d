import { randomBytes } from 'node:crypto';
import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import {
  SecretsService,
  type SecretInspection,
  type SecretMetadata,
} from 'nestjs-custom-secret-manager';
import { SecretValuePipe, type SecretValueDto } from './secret-value.dto';

/** Administers secrets, and never shows a value. Put the guard of your application in front of it. */
@Controller('secrets')
export class SecretsController {
  constructor(private readonly secrets: SecretsService) {}

  /** What the application holds at the moment. */
  @Get()
  inspect(): readonly SecretInspection[] {
    return this.secrets.inspect();
  }

  /** Whether there is such a secret, in the store or in the environment. */
  @Get(':name')
  async find(@Param('name') name: string): Promise<{ name: string }> {
    await this.secrets.getOrThrow(name);
    return { name };
  }

  @Put(':name')
  set(
    @Param('name') name: string,
    @Body(SecretValuePipe) { value }: SecretValueDto,
  ): Promise<SecretMetadata> {
    return this.secrets.set(name, value);
  }

  @Post(':name/rotate')
  @HttpCode(200)
  rotate(@Param('name') name: string): Promise<SecretMetadata> {
    return this.secrets.rotate(name, { value: randomBytes(32).toString('base64url') });
  }

  @Delete(':name')
  delete(@Param('name') name: string): Promise<SecretMetadata> {
    return this.secrets.delete(name);
  }
}
