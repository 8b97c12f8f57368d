import type { INestApplication } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import {
  SECRET_MANAGER,
  SecretManagerModule,
  SecretsService,
  type SecretManagerModuleOptions,
} from 'nestjs-custom-secret-manager';
import { SecretManagerHealthIndicator } from 'nestjs-custom-secret-manager/terminus';
import type { Server } from 'node:http';
import request from 'supertest';
import { TeamSecretManager } from '../../../sample-app/src/team.secret-manager';
import { CapturedLog } from '../../support/application';
import { HealthController } from './health.controller';

export interface TeamAppOptions extends SecretManagerModuleOptions {
  readonly address: string;
  readonly token: string;
  readonly mount?: string;
  /** Further variables of the application. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** An application with the sample's own manager, on the store of its environment. */
export class TeamApp {
  constructor(
    private readonly app: INestApplication<Server>,
    readonly log: CapturedLog,
  ) {}

  get secrets(): SecretsService {
    return this.app.get(SecretsService);
  }

  /** The team's own manager, without the library around it. */
  get manager(): TeamSecretManager {
    return this.app.get(SECRET_MANAGER, { strict: false });
  }

  async get(path: string): Promise<request.Response> {
    return await request(this.app.getHttpServer()).get(path);
  }

  async close(): Promise<void> {
    await this.app.close();
  }
}

export async function startTeamApp(options: TeamAppOptions): Promise<TeamApp> {
  const { address, token, mount, variables, ...moduleOptions } = options;
  const config = { STORE_ADDR: address, STORE_TOKEN: token, STORE_MOUNT: mount, ...variables };
  const log = new CapturedLog();
  const module = await Test.createTestingModule({
    imports: [
      ConfigModule.forRoot({
        isGlobal: true,
        ignoreEnvFile: true,
        skipProcessEnv: true,
        load: [() => config],
      }),
      SecretManagerModule.forRootAsync({
        manager: TeamSecretManager,
        inject: [ConfigService],
        useFactory: (environment: ConfigService) => ({
          environment,
          settings: { accessMode: 'read_and_write' as const },
          ...moduleOptions,
        }),
      }),
      TerminusModule,
    ],
    controllers: [HealthController],
    providers: [SecretManagerHealthIndicator],
  })
    .setLogger(log)
    .compile();
  const app = module.createNestApplication<INestApplication<Server>>();
  await app.init();
  return new TeamApp(app, log);
}
