// @ts-check

const BANNED = ['What', 'Whether', 'Who', 'Whoever', 'Of', 'By', 'As', 'Has', 'Where', 'If', 'To'];

const FIRST_WORD = /^[*\s]*(?:@internal\s+)?(\w+)/;

/**
 * Reports a doc comment that starts with a clause. It has to start with a verb or a noun phrase.
 *
 * @type {import('eslint').Rule.RuleModule}
 */
const firstWord = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: {
      banned:
        'A doc comment starts with a verb ("Returns") or a noun phrase, not with "{{ word }}".',
    },
  },
  create({ report, sourceCode }) {
    return {
      Program() {
        for (const { type, value, loc } of sourceCode.getAllComments()) {
          if (type !== 'Block' || !value.startsWith('*') || !loc) continue;
          const word = FIRST_WORD.exec(value)?.[1] ?? '';
          if (BANNED.includes(word)) report({ loc, messageId: 'banned', data: { word } });
        }
      },
    };
  },
};

export default { rules: { 'first-word': firstWord } };
