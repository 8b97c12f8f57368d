import { Catch, Controller, Get, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import {
  CustomSecretManager,
  SecretManagerModule,
  SecretsService,
  isSecretManagerError,
  type SecretManagerError,
  type SecretManagerModuleOptions,
} from 'nestjs-custom-secret-manager';
import request from 'supertest';
import type { App } from 'supertest/types';
import { CapturedLog, closeApplications, closeLater } from '../support/application';

class MyManager extends CustomSecretManager {
  override async readSecret(): Promise<string> {
    await Promise.resolve();
    throw Object.assign(new Error('no'), { status: 403 });
  }
  override readSecretSync(): string {
    throw Object.assign(new Error('no'), { status: 403 });
  }
}

@Controller()
class MyController {
  constructor(private readonly secrets: SecretsService) {}

  @Get('async')
  async show(): Promise<string | undefined> {
    return await this.secrets.get('OPENAI_API_KEY');
  }

  @Get('sync')
  showSync(): string | undefined {
    return this.secrets.getSync('OPENAI_API_KEY');
  }
}

/** Returns the frames of the request's failure, from the store to the controller. */
async function journeyOf(
  path: string,
  options: SecretManagerModuleOptions = {},
): Promise<string[]> {
  const failures: SecretManagerError[] = [];
  @Catch()
  class Keep implements ExceptionFilter {
    catch(error: unknown, host: ArgumentsHost): void {
      if (isSecretManagerError(error)) failures.push(error);
      host.switchToHttp().getResponse<{ sendStatus(code: number): void }>().sendStatus(500);
    }
  }
  const module = await Test.createTestingModule({
    imports: [SecretManagerModule.forRoot({ manager: MyManager, ...options })],
    controllers: [MyController],
  })
    .setLogger(new CapturedLog())
    .compile();
  const app = module.createNestApplication<NestExpressApplication>().useGlobalFilters(new Keep());
  closeLater(await app.init());

  await request(app.getHttpServer() as App)
    .get(path)
    .expect(500);

  return framesOf(failures[0]?.stack ?? '');
}

/** Returns `Class.method` of every frame of the library and of this file, up to the controller. The rest is Nest's. */
function framesOf(stack: string): string[] {
  const ours = stack
    .split('\n')
    .filter((line) => /^(?!.*node_modules).*(\/lib\/|journey\.spec)/.test(line));
  return ours
    .map((line) => /at (?:async )?(.+?)(?: \[as (\w+)\])? \(/.exec(line)?.slice(1, 3) ?? [line])
    .map(nameOf);
}

/**
 * Returns the alias of a method. V8 names a method that another one calls by both: `MyManager.call [as readSecret]`.
 */
function nameOf([name = '', alias]: (string | undefined)[]): string {
  return alias === undefined ? name : `${name.split('.')[0]}.${alias}`;
}

describe('the stack of a read that failed', () => {
  const { stackTraceLimit } = Error;

  beforeAll(() => {
    Error.stackTraceLimit = 50; // the whole journey
  });
  afterAll(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });

  afterEach(closeApplications);

  it('matches the diagram of the architecture: one frame a layer, from the class of the user to the controller', async () => {
    const journey = await journeyOf('/async');

    expect(journey).toEqual([
      'MyManager.readSecret',
      'BoundaryPolicy.call',
      'DeadlinePolicy.around',
      'RetryPolicy.around',
      'CircuitBreakerPolicy.around',
      'SingleFlightPolicy.fly',
      'CachePolicy.readSecret',
      'SecretLookup.find',
      'MyController.show',
    ]);
  });

  it('shows the bundle if there is one', async () => {
    const journey = await journeyOf('/async', { settings: { primarySecretName: 'all' } });

    expect(journey.slice(5)).toEqual([
      'SingleFlightPolicy.fly',
      'CachePolicy.readSecret',
      'BundlePolicy.readSecret',
      'SecretLookup.find',
      'MyController.show',
    ]);
  });

  it('does not show disabled policies', async () => {
    const journey = await journeyOf('/async', {
      cache: false,
      retry: false,
      circuitBreaker: false,
    });

    expect(journey).toEqual([
      'MyManager.readSecret',
      'BoundaryPolicy.call',
      'DeadlinePolicy.around',
      'SingleFlightPolicy.fly',
      'SecretLookup.find',
      'MyController.show',
    ]);
  });

  it('begins in the class of the user and ends in the controller of a synchronous read, too', async () => {
    const journey = await journeyOf('/sync');

    expect(journey[0]).toBe('MyManager.readSecretSync');
    expect(journey.at(-1)).toBe('MyController.showSync');
    expect(
      journey.filter((frame) => frame.includes('.')).map((frame) => frame.split('.')[0]),
    ).toEqual(
      expect.arrayContaining([
        'BoundaryPolicy',
        'DeadlinePolicy',
        'CircuitBreakerPolicy',
        'CachePolicy',
        'SecretLookup',
      ]),
    );
  });
});
