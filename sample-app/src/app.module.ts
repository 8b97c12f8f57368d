import { Module, type MiddlewareConsumer, type NestModule } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { SecretManagerModule } from 'nestjs-custom-secret-manager';
import { SecretManagerHealthIndicator } from 'nestjs-custom-secret-manager/terminus';
import { ChatController } from './chat/chat.controller';
import { ModelsController } from './chat/models.controller';
import { PermittedModels } from './chat/permitted-models';
import { ModelListModule } from './config/model-list.module';
import { OpenAiErrorFilter } from './errors/openai-error.filter';
import { JsonOnlyInterceptor } from './json-only.interceptor';
import { HealthController } from './health.controller';
import { GatewayKeys } from './keys/gateway-keys';
import { KeyChanges } from './keys/key-changes';
import { KeyRecords } from './keys/key-records';
import { KeysController } from './keys/keys.controller';
import { MasterKey } from './keys/master-key';
import { OneChange } from './keys/one-change';
import { StoredKeys } from './keys/stored-keys';
import { AnthropicProvider } from './providers/anthropic.provider';
import { EchoProvider } from './providers/echo.provider';
import { OpenAiProvider } from './providers/openai.provider';
import { Providers } from './providers/providers';
import { Upstream } from './providers/upstream';
import { identifyRequest } from './request-id';
import { SecretsModule } from './secrets.module';
import { SecretHits } from './status/secret-hits';
import { StatusReport } from './status/status-report';
import { StatusController } from './status/status.controller';

@Module({
  imports: [
    SecretsModule,
    SecretManagerModule.forFeature(['MASTER_KEY']),
    ModelListModule,
    TerminusModule,
  ],
  controllers: [
    ChatController,
    ModelsController,
    KeysController,
    HealthController,
    StatusController,
  ],
  providers: [
    MasterKey,
    KeyRecords,
    StoredKeys,
    GatewayKeys,
    OneChange,
    KeyChanges,
    PermittedModels,
    Providers,
    OpenAiProvider,
    AnthropicProvider,
    EchoProvider,
    Upstream,
    SecretManagerHealthIndicator,
    SecretHits,
    StatusReport,
    { provide: APP_INTERCEPTOR, useClass: JsonOnlyInterceptor },
    { provide: APP_FILTER, useClass: OpenAiErrorFilter },
  ],
})
export class AppModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(identifyRequest).forRoutes('{*path}');
  }
}
