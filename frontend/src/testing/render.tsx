import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render } from '@testing-library/react';
import type { ReactElement, ReactNode } from 'react';
import { vi } from 'vitest';
import type { Me } from '@/api/identity';
import { ME_KEY } from '@/config/query-keys';
import { sampleMe } from '@/testing/people';

/** Renders with its own query client, which never retries, for somebody who may do everything unless told otherwise. */
export function renderWithQueries(element: ReactElement, me: Me = sampleMe('admin')) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  client.setQueryData(ME_KEY, me);
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={client}>{children}</QueryClientProvider>
  );
  return render(element, { wrapper });
}

interface SentRequest {
  method: string;
  url: URL;
  /** The request body, or null. */
  body: unknown;
  authorization: string | null;
}

/** Answers `fetch` by path, or by `METHOD path`; an unknown path gets a 404. Returns the requests made. */
export function answerFetch(answers: Record<string, (url: URL, body: unknown) => unknown>) {
  const requests: SentRequest[] = [];
  vi.stubGlobal('fetch', async (path: string, init?: RequestInit) => {
    const url = new URL(path, 'http://test');
    const method = init?.method ?? 'GET';
    const sent: unknown = typeof init?.body === 'string' ? JSON.parse(init.body) : null;
    const authorization = new Headers(init?.headers).get('authorization');
    requests.push({ method, url, body: sent, authorization });
    const answer = answers[`${method} ${url.pathname}`] ?? answers[url.pathname];
    if (answer === undefined) {
      const error = { error: { code: 'not_found', message: 'no such call' } };
      return new Response(JSON.stringify(error), { status: 404 });
    }
    const body = await answer(url, sent);
    return body instanceof Response ? body : new Response(JSON.stringify(body));
  });
  return requests;
}

/** Answers with an invalid field; an empty one belongs to no control. */
export function invalidField(field: string, message: string): Response {
  const error = { code: 'invalid', message, details: { field } };
  return new Response(JSON.stringify({ error }), { status: 422 });
}
