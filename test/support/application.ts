import type { INestApplicationContext, LoggerService, ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  SecretManagerModule,
  SecretsService,
  type CustomSecretManager,
  type SecretManagerModuleOptions,
} from 'nestjs-custom-secret-manager';

/** The output of Nest's logger. */
export class CapturedLog implements LoggerService {
  readonly lines: string[] = [];

  log = (...parts: unknown[]): void => this.keep('log', parts);
  error = (...parts: unknown[]): void => this.keep('error', parts);
  warn = (...parts: unknown[]): void => this.keep('warn', parts);
  debug = (...parts: unknown[]): void => this.keep('debug', parts);
  verbose = (...parts: unknown[]): void => this.keep('verbose', parts);
  fatal = (...parts: unknown[]): void => this.keep('fatal', parts);

  get warnings(): string[] {
    return this.lines.filter((line) => line.startsWith('warn'));
  }

  private keep(level: string, parts: unknown[]): void {
    this.lines.push(`${level} ${parts.map(String).join(' ')}`);
  }
}

const running: INestApplicationContext[] = [];

/** Closes all applications. Call it in `afterEach`. */
export async function closeApplications(): Promise<void> {
  await Promise.all(running.splice(0).map((app) => app.close()));
}

export function closeLater<App extends INestApplicationContext>(app: App): App {
  running.push(app);
  return app;
}

/** Starts a real Nest application, which {@link closeApplications} closes. */
export async function startApplication(
  metadata: ModuleMetadata,
  log: LoggerService = new CapturedLog(),
): Promise<TestingModule> {
  const app = await Test.createTestingModule(metadata).setLogger(log).compile();
  return closeLater(await app.init());
}

export interface Started {
  readonly app: TestingModule;
  readonly secrets: SecretsService;
  readonly log: CapturedLog;
}

/** Starts an application with the given manager, in an empty environment by default. */
export async function startWith(
  manager: CustomSecretManager,
  options: SecretManagerModuleOptions = {},
): Promise<Started> {
  const log = new CapturedLog();
  const binding = { useFactory: () => manager };
  const root = SecretManagerModule.forRoot({ manager: binding, environment: {}, ...options });
  const app = await startApplication({ imports: [root] }, log);
  return { app, secrets: app.get(SecretsService), log };
}
