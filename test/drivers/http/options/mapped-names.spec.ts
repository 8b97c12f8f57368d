import type { SecretManagerError } from 'nestjs-custom-secret-manager';
import {
  MappedNames,
  type StoredNameRules,
} from '../../../../lib/drivers/http/options/mapped-names';
import { thrownBy } from '../../../support/thrown-by';

const RULES: StoredNameRules = {
  pattern: /^[0-9A-Za-z-]{1,20}$/,
  demand: 'has 1 to 20 letters, digits and dashes',
};

const facts = (secretNames: readonly string[], virtualKeyPrefix?: string) => ({
  secretNames,
  virtualKeyPrefix,
  fallback: 'on-absence' as const,
});

describe('the names of a store', () => {
  it('stay the same without a mapping', () => {
    expect(new MappedNames(RULES).toStored('api-key')).toBe('api-key');
  });

  it('turn underscores, slashes and dots into dashes', () => {
    const names = new MappedNames({ ...RULES, mapName: 'dashes' });

    expect(names.toStored('team/app.API_KEY')).toBe('team-app-API-KEY');
  });

  it('ask the function of the application once for each name at start', () => {
    const mapName = jest.fn((name: string) => (name.startsWith('b') ? 'b' : name));
    const names = new MappedNames({ ...RULES, mapName });

    const error = thrownBy(() =>
      names.assertDistinct(facts(['a', 'b1', 'b2', 'no name'])),
    ) as Error;

    expect(error.message).toContain('"b1" and "b2" are the same secret in the store, "b"');
    expect(mapName.mock.calls.flat()).toEqual(['a', 'b1', 'b2', 'no name']);
  });

  it('come from a function of the application', () => {
    const names = new MappedNames({ ...RULES, mapName: (name) => `app-${name.toLowerCase()}` });

    expect(names.toStored('KEY')).toBe('app-key');
  });

  it.each<[what: string, name: string, rules: Partial<StoredNameRules>]>([
    ['an underscore without a mapping', 'API_KEY', {}],
    ['a space', 'an api key', { mapName: 'dashes' }],
    ['too many characters', 'x'.repeat(21), { mapName: 'dashes' }],
    ['a result that is no string', 'KEY', { mapName: () => undefined as unknown as string }],
    [
      'a function that fails',
      'KEY',
      {
        mapName: () => {
          throw new Error('canary-5521');
        },
      },
    ],
  ])('refuse %s', (_, name, rules) => {
    const error = thrownBy(() =>
      new MappedNames({ ...RULES, ...rules }).toStored(name),
    ) as SecretManagerError;

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', secretName: name });
    expect(error.message).toMatch(/1 to 20 letters, digits and dashes/);
    expect(error.message).not.toMatch('canary-5521');
  });

  it('end no process for a function that rejects', async () => {
    const unhandled = jest.fn();
    process.once('unhandledRejection', unhandled);
    const mapName = (() => Promise.reject(new Error('canary-5521'))) as never;

    expect(() => new MappedNames({ ...RULES, mapName }).toStored('A')).toThrow(
      /Check what mapName/,
    );
    await new Promise((resolve) => setTimeout(resolve, 10));
    process.off('unhandledRejection', unhandled);

    expect(unhandled).not.toHaveBeenCalled();
  });

  it('report every two names that meet and every impossible name at once', () => {
    const names = new MappedNames({ ...RULES, mapName: 'dashes' });

    const error = thrownBy(() =>
      names.assertDistinct(facts(['A_B', 'a key', 'A.B', 'OTHER'])),
    ) as SecretManagerError;

    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toMatch(/"A_B" and "A.B" are the same secret in the store, "A-B"/);
    expect(error.message).toMatch(/"a key"/);
    expect(error.message).not.toMatch(/OTHER/);
  });

  it('meet by case only in a store that ignores case', () => {
    const known = facts(['Key', 'KEY']);

    expect(() => new MappedNames(RULES).assertDistinct(known)).not.toThrow();
    expect(() => new MappedNames({ ...RULES, ignoresCase: true }).assertDistinct(known)).toThrow(
      /"Key" and "KEY" are the same secret/,
    );
  });

  it('need a mapping for virtual keys', () => {
    const known = facts([], 'litellm/');

    expect(() => new MappedNames(RULES).assertDistinct(known)).toThrow(
      /Virtual keys are stored below "litellm\/".*Set mapName/,
    );
    const mapped = new MappedNames({ ...RULES, mapName: 'dashes' });
    expect(() => mapped.assertDistinct(known)).not.toThrow();
  });
});
