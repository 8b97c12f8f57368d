import { Body, Controller, Post } from '@nestjs/common';
import { InjectSecrets, SecretsService } from 'nestjs-custom-secret-manager';

@Controller('rotated')
export class RotationWebhook {
  constructor(@InjectSecrets() private readonly secrets: SecretsService) {}

  @Post()
  rotated(@Body() { names }: { names: string[] }): void {
    this.secrets.announce(names);
  }
}
