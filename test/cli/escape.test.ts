import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeText, safeJson } from '../../src/cli/escape.ts';

const rows = [
  { name: 'ordinary text stays', text: 'www.example.com ü 東京', want: 'www.example.com ü 東京' },
  { name: 'ESC cannot start a sequence', text: '\x1b[31mred', want: '\\u{1b}[31mred' },
  { name: 'C1 CSI cannot either', text: '\x9b31m', want: '\\u{9b}31m' },
  { name: 'a line feed cannot forge a row', text: 'a\nb', want: 'a\\u{a}b' },
  { name: 'DEL is shown', text: '\x7f', want: '\\u{7f}' },
  { name: 'text cannot be turned around', text: 'a\u202eb', want: 'a\\u{202e}b' },
  { name: 'text cannot hide', text: 'a\u200bb', want: 'a\\u{200b}b' },
  { name: 'half a character is shown', text: '\ud800', want: '\\u{d800}' },
];

describe('escapeText', () => {
  for (const { name, text, want } of rows) it(name, () => expect(escapeText(text)).toBe(want));

  it('leaves no control octet of any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(escapeText(text)).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
      }),
    );
  });
});

describe('safeJson', () => {
  it('is JSON of the same value, without a control octet', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = safeJson({ text });
        expect(JSON.parse(json)).toEqual({ text });
        expect(json).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e]/);
      }),
    );
  });
});
