import type { SecretAnswer } from 'nestjs-custom-secret-manager';
import type { Break } from './break';
import { CorrectSecretManager } from './correct.secret-manager';
import type { StoreResponse } from './path-store';

/** Changes the values that it reads. */
function spoiling(spoil: (value: string) => unknown): Break['Manager'] {
  return class extends CorrectSecretManager {
    protected override plain(value: string): string {
      return spoil(value) as string;
    }
  };
}

/** Treats some values as absent. */
function denying(isAbsent: (value: string) => boolean): Break['Manager'] {
  return class extends CorrectSecretManager {
    protected override answerOf(response: StoreResponse): SecretAnswer {
      const answer = super.answerOf(response) as { value: string } | undefined;
      return answer && isAbsent(answer.value) ? undefined : answer;
    }
  };
}

function parsed(value: string): unknown {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

function decoded(value: string): string {
  return value.replace(/%[0-9a-f]{2}/gi, (encoded) =>
    String.fromCharCode(parseInt(encoded.slice(1), 16)),
  );
}

export const valueBreaks: readonly Break[] = [
  {
    what: 'trims values',
    killedBy: 'answers white space around a value',
    Manager: spoiling((value) => value.trim()),
  },
  {
    what: 'strips the final line break, like that of a file',
    killedBy: 'answers a line break at the end',
    Manager: spoiling((value) => value.replace(/\n$/, '')),
  },
  {
    what: 'normalises line ends',
    killedBy: 'answers several lines',
    Manager: spoiling((value) => value.replaceAll('\r\n', '\n')),
  },
  {
    what: 'decodes percent-encoding once more',
    killedBy: 'answers percent signs',
    Manager: spoiling(decoded),
  },
  {
    what: 'treats a plus as a space, as in a form',
    killedBy: 'answers characters of a URL',
    Manager: spoiling((value) => value.replaceAll('+', ' ')),
  },
  {
    what: 'turns "true" into a boolean',
    killedBy: 'answers "true"',
    Manager: spoiling((value) => (value === 'true' ? true : value)),
  },
  {
    what: 'parses values that look like JSON',
    killedBy: 'answers a JSON object',
    Manager: spoiling((value) => (value.startsWith('{') ? parsed(value) : value)),
  },
  {
    what: 'strips the quotes of a value',
    killedBy: 'answers a JSON string',
    Manager: spoiling((value) => value.replace(/^"(.*)"$/, '$1')),
  },
  {
    what: 'parses digits as a number, and loses some',
    killedBy: 'answers digits',
    Manager: spoiling((value) => (/^\d+$/.test(value) ? String(Number(value)) : value)),
  },
  {
    what: 'replaces escapes, as in a .env file',
    killedBy: 'answers quotes and backslashes',
    Manager: spoiling((value) => value.replaceAll('\\n', '\n')),
  },
  {
    what: 'decodes what looks like base64',
    killedBy: 'answers base64',
    Manager: spoiling((value) =>
      /^[\w+/]+={1,2}$/.test(value) ? Buffer.from(value, 'base64').toString() : value,
    ),
  },
  {
    what: 'follows references in values',
    killedBy: 'answers a reference',
    Manager: spoiling((value) => value.replace(/^os\.environ\/\w+$/, '')),
  },
  {
    what: 'truncates values at a NUL',
    killedBy: 'answers a NUL',
    Manager: spoiling((value) => value.split('\0')[0]),
  },
  {
    what: 'decodes bytes as Latin-1',
    killedBy: 'answers letters of other scripts',
    Manager: spoiling((value) => Buffer.from(value, 'latin1').toString('latin1')),
  },
  {
    what: 'loses characters beyond the first plane',
    killedBy: 'answers characters beyond the first plane',
    Manager: spoiling((value) => value.replace(/[\u{10000}-\u{10ffff}]/gu, '?')),
  },
  {
    what: 'composes letters',
    killedBy: 'answers letters that compose',
    Manager: spoiling((value) => value.normalize('NFC')),
  },
  {
    what: 'strips a byte order mark',
    killedBy: 'answers a byte order mark',
    Manager: spoiling((value) => value.replace(/^\ufeff/, '')),
  },
  {
    what: 'has a buffer of 65 535 bytes',
    killedBy: 'answers 64 KiB',
    Manager: spoiling((value) => value.slice(0, 65_535)),
  },
  {
    what: 'treats an empty value as absent',
    killedBy: 'answers an empty value',
    Manager: denying((value) => !value),
  },
  {
    what: 'treats "null" as absent',
    killedBy: 'answers "null"',
    Manager: denying((value) => value === 'null'),
  },
  {
    what: 'treats white space as absent',
    killedBy: 'answers a space',
    Manager: denying((value) => value !== '' && value.trim() === ''),
  },
];
