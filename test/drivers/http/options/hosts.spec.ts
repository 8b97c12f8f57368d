import { hostList, matchesHost, parseHost } from '../../../../lib/drivers/http/options/hosts';

describe('a listed host', () => {
  it.each<[string, string, boolean]>([
    ['vault.example', 'https://vault.example', true],
    ['vault.example', 'https://vault.example:8200', true],
    ['vault.example:8200', 'https://vault.example:8200', true],
    ['vault.example:443', 'https://vault.example', true],
    ['vault.example:8200', 'https://vault.example', false],
    ['vault.example', 'https://other.vault.example', false],
    ['VAULT.example', 'https://vault.example', true],
  ])('%s and the URL %s: matches is %s', (listed, url, expected) => {
    expect(matchesHost(listed, new URL(url))).toBe(expected);
  });

  it.each(['https://vault.example', 'user@vault.example', 'vault.example/path', '', 1])(
    'is not %p',
    (given) => {
      expect(parseHost(given)).toBeUndefined();
      expect(hostList('a.example')([given], 'trustedHosts')).toContain('must hold host names');
    },
  );

  it('stands in an array', () => {
    expect(hostList('a.example')('a.example', 'trustedHosts')).toBe(
      'must be an array, and is a string',
    );
  });
});
