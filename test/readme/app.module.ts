import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import {
  InjectSecret,
  Secret,
  SecretManagerModule,
  SecretsService,
} from 'nestjs-custom-secret-manager';
import { SecretManagerHealthIndicator } from 'nestjs-custom-secret-manager/terminus';
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

@Injectable()
export class Mailer {
  constructor(@InjectSecret('SMTP_PASSWORD') private readonly password: Secret) {}

  connect(): { pass: string } {
    return { pass: this.password.reveal() }; // the value of this moment, also after a rotation
  }
}

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly store: SecretManagerHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  ready() {
    return this.health.check([() => this.store.isHealthy('secrets')]);
  }
}

@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true }),
    SecretManagerModule.forRootAsync({
      manager: StoreSecretManager,
      isGlobal: true,
      inject: [ConfigService],
      useFactory: (config: ConfigService) => ({
        environment: config,
        preload: ['OPENAI_API_KEY', { name: 'FEATURE_FLAGS', optional: true }],
        settings: {
          accessMode: 'read_and_write',
          hostedKeys: config.get<string>('HOSTED_KEYS')?.split(','),
        },
      }),
    }),
    SecretManagerModule.forFeature(['SMTP_PASSWORD']),
    TerminusModule,
  ],
  controllers: [ModelsController, HealthController],
  providers: [Mailer, SecretManagerHealthIndicator],
})
export class AppModule {}
