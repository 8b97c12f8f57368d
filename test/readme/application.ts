import { Injectable, Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { TerminusModule } from '@nestjs/terminus';
import { InjectSecret, Secret, SecretManagerModule } from 'nestjs-custom-secret-manager';
import { SecretManagerHealthIndicator } from 'nestjs-custom-secret-manager/terminus';
import { HealthController } from './health.controller';
import { ModelsController } from './quick-start/app.module';
import { StoreSecretManager } from './quick-start/store.secret-manager';

@Injectable()
export class Mailer {
  constructor(@InjectSecret('SMTP_PASSWORD') private readonly password: Secret) {}

  connect(): { pass: string } {
    return { pass: this.password.reveal() }; // the current value, also after a rotation
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
