import { ConsoleLogger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { TerminusModule } from '@nestjs/terminus';
import { type } from 'arktype';
import {
  IsArray,
  IsEmail,
  IsIn,
  IsInt,
  IsObject,
  IsString,
  Matches,
  Validate,
  ValidatorConstraint,
  type ValidationArguments,
} from 'class-validator';
import {
  Secret,
  SecretManagerModule,
  SecretValue,
  SecretsService,
} from 'nestjs-custom-secret-manager';
import { SecretManagerHealthIndicator } from 'nestjs-custom-secret-manager/terminus';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { format, inspect } from 'node:util';
import * as v from 'valibot';
import { z } from 'zod';
import { closeApplications, closeLater } from '../support/application';
import { everythingOf, failureOf, leaks } from '../support/failure-of';
import { thrownBy } from '../support/thrown-by';

const CANARY = 'sk-proj-canary/of+the=value';

@ValidatorConstraint()
class Quotes {
  validate(): boolean {
    return false;
  }
  defaultMessage({ value, object }: ValidationArguments): string {
    return `${String(value)} of ${inspect(object)}`;
  }
}

@ValidatorConstraint()
class Throws {
  validate(value: unknown): boolean {
    throw new Error(inspect(value));
  }
}

class Json {
  @IsString() readonly text!: string;
  @IsInt({ message: 'is $value' }) readonly number!: number;
  @IsArray() @IsEmail({}, { each: true }) readonly list!: readonly string[];
  @IsObject() @Validate(Quotes) readonly inner!: object;
}

class Throwing {
  @Validate(Throws) readonly text!: string;
}

class All {
  @SecretValue('NUMBER', { parse: Number }) readonly number!: Secret<number>;
  @SecretValue('NOTHING', { parse: () => undefined }) readonly nothing!: Secret<undefined>;
  @SecretValue('THROWN', {
    parse: (text) => {
      throw Object.assign(new TypeError(text), { text });
    },
  })
  readonly thrown!: Secret<never>;
  @SecretValue('STRING', {
    parse: (text) => {
      throw text; // eslint-disable-line @typescript-eslint/only-throw-error
    },
  })
  readonly string!: Secret<never>;
  @SecretValue('PROMISE', { parse: (text) => Promise.reject(new Error(text)) })
  readonly promise!: Secret<Promise<never>>;
  @SecretValue('PARSED', { parse: (text) => JSON.parse(text) as object })
  readonly parsed!: Secret<object>;
  @SecretValue('JSON', { json: Json }) readonly json!: Secret<Json>;
  @SecretValue('NO_JSON', { json: Json }) readonly noJson!: Secret<Json>;
  @SecretValue('LIST', { json: Json }) readonly list!: Secret<Json>;
  @SecretValue('THROWING', { json: Throwing }) readonly throwing!: Secret<Throwing>;
  @SecretValue('MATCHES')
  @Matches(/^a$/, { message: ({ value }) => `got ${String(value)}` })
  readonly matches!: Secret;
  @SecretValue('QUOTES') @Validate(Quotes) readonly quotes!: Secret;
  @SecretValue('THROWS') @Validate(Throws) readonly throws!: Secret;
  @SecretValue('IS_IN') @IsIn(['a'], { message: '$value of $constraint1' }) readonly isIn!: Secret;
  @SecretValue('ZOD', { schema: z.strictObject({ a: z.literal('a') }) })
  readonly zod!: Secret<object>;
  @SecretValue('ZOD_TEXT', {
    schema: z.string().refine((text) => text === 'a', { error: ({ input }) => String(input) }),
  })
  readonly zodText!: Secret;
  @SecretValue('ZOD_RECORD', { schema: z.record(z.string(), z.number()) })
  readonly zodRecord!: Secret<object>;
  @SecretValue('VALIBOT', { schema: v.record(v.string(), v.number()) })
  readonly valibot!: Secret<object>;
  @SecretValue('VALIBOT_TEXT', { schema: v.pipe(v.string(), v.email()) })
  readonly valibotText!: Secret;
  @SecretValue('ARK', { schema: type('Record<string, number>') }) readonly ark!: Secret<object>;
  @SecretValue('ARK_TEXT', { schema: type('"a"') }) readonly arkText!: Secret<'a'>;
}

const NAMES = Object.entries({
  JSON: JSON.stringify({
    text: 7,
    number: CANARY,
    list: [CANARY],
    inner: { [CANARY]: CANARY },
    [CANARY]: 1,
  }),
  LIST: JSON.stringify([CANARY]),
  THROWING: JSON.stringify({ text: CANARY }),
  ZOD: JSON.stringify({ [CANARY]: 1, a: CANARY }),
  ZOD_RECORD: JSON.stringify({ [CANARY]: CANARY }),
  VALIBOT: JSON.stringify({ [CANARY]: CANARY }),
  ARK: JSON.stringify({ [CANARY]: CANARY }),
});
const OTHERS = [
  'NUMBER',
  'NOTHING',
  'THROWN',
  'STRING',
  'PROMISE',
  'PARSED',
  'NO_JSON',
  'MATCHES',
  'QUOTES',
  'THROWS',
  'IS_IN',
  'ZOD_TEXT',
  'VALIBOT_TEXT',
  'ARK_TEXT',
];
const BAD: Readonly<Record<string, string>> = {
  ...Object.fromEntries(OTHERS.map((name) => [name, CANARY])),
  ...Object.fromEntries(NAMES),
};

describe('a value that a field refuses', () => {
  let output: string[];
  let debugged: unknown[];

  beforeEach(() => {
    output = [];
    debugged = [];
    for (const stream of [process.stdout, process.stderr]) {
      jest.spyOn(stream, 'write').mockImplementation((chunk) => {
        output.push(String(chunk));
        return true;
      });
    }
  });

  afterEach(async () => {
    await closeApplications();
    jest.restoreAllMocks();
  });

  const start = async (store: InMemorySecretManager, secrets: new () => object) =>
    closeLater(
      await Test.createTestingModule({
        imports: [
          SecretManagerModule.forRoot({
            manager: { useFactory: () => store },
            environment: {},
            debug: (original) => debugged.push(original),
          }),
          SecretManagerModule.forFeature(secrets),
          TerminusModule,
        ],
        providers: [SecretManagerHealthIndicator],
      })
        .setLogger(
          new ConsoleLogger({ logLevels: ['verbose', 'debug', 'log', 'warn', 'error', 'fatal'] }),
        )
        .compile(),
    );

  it('stands in no sink of a start that fails, and all of them are named', async () => {
    const error = await failureOf(start(new InMemorySecretManager(BAD), All));

    const text = everythingOf(error) + output.join('');
    expect(leaks(text, CANARY)).toBe(false);
    expect(error.message.split('\n')).toHaveLength(1 + Object.keys(BAD).length);
    for (const name of Object.keys(BAD)) expect(error.message).toContain(`"${name}"`);
    expect(inspect(debugged, { depth: 9 })).toContain(CANARY);
  });

  it('stands in no sink of an application that runs', async () => {
    const good = 'the-first-good-one';
    const refuse = (text: string): string => {
      if (text === good) return text;
      throw new Error(text);
    };
    class One {
      @SecretValue('A', { parse: refuse }) readonly a!: Secret;
      @SecretValue('B', { schema: z.literal(good) }) readonly b!: Secret;
      @SecretValue('C') @Matches(/^the-first-good-one$/, { message: '$value' }) readonly c!: Secret;
    }
    const store = new InMemorySecretManager({ A: good, B: good, C: good });
    const app = await start(store, One);
    const one = app.get(One);
    const secrets = app.get(SecretsService);
    one.a.onChange(() => undefined);

    for (const name of ['A', 'B', 'C']) store.rotate(name, CANARY);
    await secrets.refresh();
    const health = await app.get(SecretManagerHealthIndicator).isHealthy('secrets');
    secrets.invalidate();
    const errors = [one.a, one.b, one.c].map((handle) => thrownBy(() => handle.reveal()));
    const rejections = await Promise.all(
      [one.a, one.b, one.c].map((handle) => failureOf(handle.get({ maxAgeMs: 0 }))),
    );

    const sinks = [
      ...[...errors, ...rejections].map(everythingOf),
      format('%o %O %j %s', one, one, one, one.a),
      inspect([app.get(One), secrets, secrets.inspect()], {
        depth: 9,
        showHidden: true,
        getters: true,
      }),
      JSON.stringify([one, { ...one }, structuredClone(one), health, secrets.inspect()]),
      ...output,
    ];
    expect(sinks.filter((sink) => leaks(sink, CANARY) || leaks(sink, good))).toEqual([]);
    expect(health).toMatchObject({ secrets: { rejected: 3 } });
    expect(output.join('')).toMatch(/One\.b: the secret "B" is refused by `schema`/);
    expect([...errors, ...rejections].map((error) => (error as { code?: string }).code)).toEqual(
      Array.from({ length: 6 }, () => 'MALFORMED'),
    );
  });
});
