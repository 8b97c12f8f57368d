import { Module, type MiddlewareConsumer, type NestModule } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { SecretManagerModule } from 'nestjs-custom-secret-manager';
import { SecretManagerHealthIndicator } from 'nestjs-custom-secret-manager/terminus';
import { ChatController } from './chat/chat.controller';
import { ModelsController } from './chat/models.controller';
import { PermittedModels } from './chat/permitted-models';
import { ModelListModule } from './config/model-list.module';
import { FailureLog } from './errors/failure-log';
import { OpenAiErrorFilter } from './errors/openai-error.filter';
import { HealthController } from './health.controller';
import { AllowedHostsGuard } from './http/allowed-hosts.guard';
import { BodyBudget } from './http/body-budget';
import { JsonBodyInterceptor } from './http/json-body.interceptor';
import { discardUnreadBody } from './http/unread-body';
import { GatewayKeys } from './keys/gateway-keys';
import { KeyChanges } from './keys/key-changes';
import { KeyDeletions } from './keys/key-deletions';
import { KeyLock } from './keys/key-lock';
import { KeyLookups } from './keys/key-lookups';
import { KeyRecords } from './keys/key-records';
import { KeysController } from './keys/keys.controller';
import { GatewaySecrets } from './keys/gateway-secrets';
import { MasterKey } from './keys/master-key';
import { StoredKeys } from './keys/stored-keys';
import { AnthropicProvider } from './providers/anthropic.provider';
import { EchoProvider } from './providers/echo.provider';
import { OpenAiProvider } from './providers/openai.provider';
import { Providers } from './providers/providers';
import { Upstream } from './providers/upstream';
import { identifyRequest } from './request-id';
import { SecretsModule } from './secrets.module';
import { LastChanges } from './status/last-changes';
import { SecretHits } from './status/secret-hits';
import { StoreHealth } from './status/store-health';
import { StatusReport } from './status/status-report';
import { StatusController } from './status/status.controller';

@Module({
  imports: [
    SecretsModule,
    SecretManagerModule.forFeature(GatewaySecrets),
    ModelListModule,
    TerminusModule.forRoot({ logger: false }), // `StoreHealth` logs each change of the state
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
    KeyLookups,
    GatewayKeys,
    KeyLock,
    KeyChanges,
    KeyDeletions,
    PermittedModels,
    Providers,
    OpenAiProvider,
    AnthropicProvider,
    EchoProvider,
    Upstream,
    SecretManagerHealthIndicator,
    SecretHits,
    LastChanges,
    StoreHealth,
    StatusReport,
    AllowedHostsGuard,
    BodyBudget,
    FailureLog,
    { provide: APP_INTERCEPTOR, useClass: JsonBodyInterceptor },
    { provide: APP_FILTER, useClass: OpenAiErrorFilter },
  ],
})
export class AppModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(identifyRequest, discardUnreadBody).forRoutes('{*path}');
  }
}
