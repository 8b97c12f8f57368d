import { SecretManagerError } from 'nestjs-custom-secret-manager';
import { closeApplications, startWith } from '../../support/application';
import { ScriptedSecretManager } from '../../support/scripted.secret-manager';

describe('a delay that an author asks for', () => {
  beforeEach(() => {
    jest.useFakeTimers();
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    jest.useRealTimers();
    await closeApplications();
  });

  it.each<[string, unknown, number]>([
    ['a second', 1_000, 1_000],
    ['nothing', undefined, 100],
    ['0, which would hammer the store', 0, 100],
    ['less than 0', -5, 100],
    ['NaN', Number.NaN, 100],
    ['a string', '1000', 100],
  ])('is followed or replaced by the usual backoff: %s', async (_, given, pauseMs) => {
    const manager = new ScriptedSecretManager(() => {
      if (manager.asked.length > 1) return 'value';
      throw new SecretManagerError('THROTTLED', 'slow down', { retryAfterMs: given as number });
    });
    const { secrets } = await startWith(manager);

    const value = secrets.get('KEY');
    await jest.advanceTimersByTimeAsync(pauseMs - 1);
    expect(manager.asked).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(1);

    await expect(value).resolves.toBe('value');
    expect(manager.asked).toHaveLength(2);
  });
});
