import { afterEach, expect, test } from 'vitest';
import { access } from '@/lib/access';
import { getJson } from '@/lib/api-client';
import { answerFetch } from '@/testing/render';

afterEach(() => sessionStorage.clear());

const ask = () => getJson('/api', {}, new AbortController().signal);

test('a 401 locks the page, and a token unlocks it', async () => {
  const requests = answerFetch({ '/api': () => new Response('{}', { status: 401 }) });
  await expect(ask()).rejects.toMatchObject({ status: 401 });
  expect(access.isLocked()).toBe(true);
  access.unlock('s3cret');
  expect(access.isLocked()).toBe(false);
  expect(access.token()).toBe('s3cret');
  await ask().catch(() => undefined);
  expect(requests.map(({ authorization }) => authorization)).toEqual([null, 'Bearer s3cret']);
});

test('a token is kept for this tab only', () => {
  access.unlock('s3cret');
  expect(sessionStorage.length).toBe(1);
  expect(localStorage.length).toBe(0);
});
