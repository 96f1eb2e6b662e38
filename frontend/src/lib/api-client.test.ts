import { expect, test, vi } from 'vitest';
import { getJson } from '@/lib/api-client';
import { answerFetch } from '@/testing/render';

const ask = (path: string) =>
  getJson(path, { q: 'a b', none: undefined }, new AbortController().signal);

test('a query string omits undefined values', async () => {
  const requests = answerFetch({ '/api': () => ({}) });
  await ask('/api');
  expect(requests[0]?.url.search).toBe('?q=a+b');
});

test("a refusal carries the server's code and sentence", async () => {
  answerFetch({});
  await expect(ask('/gone')).rejects.toMatchObject({
    status: 404,
    code: 'not_found',
    message: 'no such call',
  });
});

test('a response that is not JSON is still an error with a status', async () => {
  answerFetch({ '/api': () => new Response('<h1>Bad gateway</h1>', { status: 502 }) });
  await expect(ask('/api')).rejects.toMatchObject({ status: 502, code: 'unexpected' });
});

test('a missing response has status 0', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('failed to fetch')));
  await expect(ask('/api')).rejects.toMatchObject({ status: 0, code: 'unreachable' });
});
