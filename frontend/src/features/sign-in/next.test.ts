import { expect, test } from 'vitest';
import { readNext } from '@/features/sign-in/model/next';

test('only a page of this dashboard follows a sign-in', () => {
  const check = (next: unknown, expected: string) =>
    expect(readNext(next, 'https://dash.example'), String(next)).toBe(expected);
  check('/alerts?tab=rules#top', '/alerts?tab=rules#top');
  check('/', '/');
  check(undefined, '/');
  check(['/alerts', '/queue'], '/');
  check('alerts', '/');
  check('https://evil.example/', '/');
  check('//evil.example/alerts', '/');
  check('/\\evil.example', '/');
  check('/\t/evil.example', '/');
  check('/.//evil.example', '/');
  check('javascript:alert(1)', '/');
  check('/sign-in?next=%2Fsign-in', '/');
  check('/password-reset', '/');
});
