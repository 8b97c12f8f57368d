import { Secret, SecretManagerError } from 'nestjs-custom-secret-manager';

interface Copy {
  Secret: typeof Secret;
  SecretManagerError: typeof SecretManagerError;
}

/** Loads the package a second time. */
function anotherCopy(): Copy {
  let copy: Copy | undefined;
  jest.isolateModules(() => {
    copy = jest.requireActual<Copy>('nestjs-custom-secret-manager');
  });
  if (copy === undefined) throw new Error('nothing was loaded');
  return copy;
}

class Refused extends SecretManagerError {}

class Handle extends Secret {
  override readonly name = 'NAME';
  override readonly version = undefined;
  override readonly expiresAt = undefined;
  override reveal(): string {
    return 'value';
  }
  override async get(): Promise<string> {
    return 'value';
  }
  override onChange(): () => void {
    return () => undefined;
  }
  override async use<Result>(work: (value: string) => Result | Promise<Result>): Promise<Result> {
    return await work('value');
  }
}

describe('instanceof', () => {
  const copy = anotherCopy();

  it.each<[string, new (...args: never[]) => unknown, object, object]>([
    [
      'an error',
      copy.SecretManagerError,
      SecretManagerError,
      new SecretManagerError('UNKNOWN', ''),
    ],
    ['a handle', copy.Secret as never, Secret, new Handle()],
  ])('holds for %s of another copy of the package', (_, other, own, instance) => {
    expect(other).not.toBe(own);
    expect(instance instanceof other).toBe(true);
  });

  it.each([null, undefined, 'text', 1, {}, [], new Error('of somebody else'), () => undefined])(
    'does not hold for %p',
    (candidate: unknown) => {
      expect(candidate instanceof SecretManagerError).toBe(false);
      expect(candidate instanceof Secret).toBe(false);
    },
  );

  it('does not hold for a proxy that throws', () => {
    const hostile = new Proxy(
      {},
      {
        get() {
          throw new Error('read');
        },
      },
    );

    expect(hostile instanceof SecretManagerError).toBe(false);
  });

  it('tells subclasses apart', () => {
    const refused = new Refused('ACCESS_DENIED', 'text');

    expect(refused).toBeInstanceOf(Refused);
    expect(refused).toBeInstanceOf(SecretManagerError);
    expect(new SecretManagerError('UNKNOWN', '')).not.toBeInstanceOf(Refused);
  });
});
