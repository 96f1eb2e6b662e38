import { expect, test } from 'vitest';
import { harmless, toCsv } from '@/lib/csv';

test('text never becomes a formula, and numbers stay numbers', () => {
  const check = (text: string, written: string) => expect(harmless(text), text).toBe(written);
  check('=HYPERLINK("http://evil")', '\'=HYPERLINK("http://evil")');
  check('+1', "'+1");
  check('-1', "'-1");
  check('@handle', "'@handle");
  check('\t=1', "'\t'=1");
  check('\n=1', "'\n'=1");
  check('\rtext', "'\rtext");
  check("hello;=cmd|'/C calc'!A0", "hello;'=cmd|'/C calc'!A0");
  check('hello; "=1"', 'hello; "\'=1"');
  check('hello\n@you; +1', "hello\n'@you; '+1");
  for (const unseen of [' ', '\u00a0', '\u200b', '\u2060', '\ufeff', '\u202e', '\u0001']) {
    check(`${unseen}=1`, `${unseen}'=1`);
  }
  for (const kept of ['a, -5', 'two\nlines', "it's 5 - 3 = 2", 'Solo; Duo', "'=1"])
    check(kept, kept);
  check('＝1', "'＝1");
  check('a=1', 'a=1');
  check('', '');
  expect(toCsv({ heads: ['a'], rows: [[-0.5], [null], [Number.NaN]] })).toBe(
    'a\r\n-0.5\r\n\r\n\r\n',
  );
});

test('cells with commas, quotes and line breaks are quoted', () => {
  const table = { heads: ['name', 'posts'], rows: [['two\nlines, "quoted"', 1204]] };
  expect(toCsv(table)).toBe('name,posts\r\n"two\nlines, ""quoted""",1204\r\n');
});
