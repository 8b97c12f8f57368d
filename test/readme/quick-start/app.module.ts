import { Controller, Get, Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { SecretManagerModule, SecretsService } from 'nestjs-custom-secret-manager';
import { StoreSecretManager } from './store.secret-manager';

@Controller()
export class ModelsController {
  constructor(private readonly secrets: SecretsService) {}

  @Get('models')
  async models(): Promise<string> {
    const apiKey = await this.secrets.getOrThrow('OPENAI_API_KEY');
    return `asking with a key of ${apiKey.length} characters`;
  }
}

@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true }),
    SecretManagerModule.forRoot({ manager: StoreSecretManager }),
  ],
  controllers: [ModelsController],
})
export class AppModule {}
