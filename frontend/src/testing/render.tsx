import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render } from '@testing-library/react';
import type { ReactElement } from 'react';
import { vi } from 'vitest';

/** Renders within a query client of its own, which never retries. */
export function renderWithQueries(element: ReactElement) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  return render(<QueryClientProvider client={client}>{element}</QueryClientProvider>);
}

/** Answers `fetch` by path; an unknown path is the contract's 404. Returns the requests made. */
export function answerFetch(answers: Record<string, (url: URL) => unknown>) {
  const requests: { method: string; url: URL }[] = [];
  vi.stubGlobal('fetch', async (path: string, init?: RequestInit) => {
    const url = new URL(path, 'http://test');
    requests.push({ method: init?.method ?? 'GET', url });
    const answer = answers[url.pathname];
    if (answer === undefined) {
      const error = { error: { code: 'not_found', message: 'no such call' } };
      return new Response(JSON.stringify(error), { status: 404 });
    }
    const body = answer(url);
    return body instanceof Response ? body : new Response(JSON.stringify(body));
  });
  return requests;
}
