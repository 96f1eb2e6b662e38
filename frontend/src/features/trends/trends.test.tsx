import { screen, within } from '@testing-library/react';
import { expect, test } from 'vitest';
import { TrendsPanel } from '@/features/trends/components/trends-panel';
import { answerFetch, renderWithQueries } from '@/testing/render';

const answer = (terms: unknown[]) => ({
  window: { from: '2026-01-02T11:55:00Z', to: '2026-01-02T12:00:00Z', seconds: 300 },
  count: 5_000,
  missed: 0,
  terms,
  authors: { distinct: 1_240, previous: 900, error: 0.016 },
  as_of: '2026-01-02T12:00:00Z',
});
const term = { term: 'weigh in', count: 40, previous: 10, growth: 2, sentiment: -0.4 };

test('a term links to the posts that mention it in its span', async () => {
  const requests = answerFetch({ '/api/v1/trends': () => answer([term]) });
  renderWithQueries(<TrendsPanel window="60s" paused={false} />);
  const link = await screen.findByRole('link', { name: /weigh in/ });
  const address = new URL(link.getAttribute('href') ?? '', 'http://test');
  expect(address.pathname).toBe('/explore');
  expect(Object.fromEntries(address.searchParams)).toEqual({
    from: '2026-01-02T11:55:00Z',
    to: '2026-01-02T12:00:00Z',
    q: '"weigh in"',
  });
  expect(requests[0]?.url.searchParams.get('window')).toBe('5m');
  expect(link.textContent).toContain('was 10');
});

test('the number of authors is marked as an estimate', async () => {
  answerFetch({ '/api/v1/trends': () => answer([term]) });
  renderWithQueries(<TrendsPanel window="1h" paused={false} />);
  await screen.findByText('about 1,240 authors');
  await screen.findByText(/±2%; previously 900/);
});

test('the panel says that no terms are trending', async () => {
  answerFetch({ '/api/v1/trends': () => answer([]) });
  renderWithQueries(<TrendsPanel window="1h" paused={false} />);
  await screen.findByText(/No trending terms yet/);
});

test('terms that cannot be loaded show the cause', async () => {
  answerFetch({});
  renderWithQueries(<TrendsPanel window="1h" paused={false} />);
  await screen.findByText(/no such call/i);
});

test.each([
  [{ count: 102, previous: 30, growth: 2.4 }, '×3.4'],
  [{ count: 56, previous: 40, growth: 0.4 }, '+40%'],
  [{ count: 31, previous: 7, growth: 0.95 }, 'was 7'],
  [{ count: 9, previous: 0, growth: 3 }, 'new'],
])('%j reads %s', async (changes, text) => {
  answerFetch({ '/api/v1/trends': () => answer([{ ...term, ...changes }]) });
  renderWithQueries(<TrendsPanel window="1h" paused={false} />);
  const link = await screen.findByRole('link', { name: /weigh in/ });
  expect(link.textContent).toContain(text);
});

test('sentiment is a dot, so that an arrow always means a change', async () => {
  answerFetch({
    '/api/v1/trends': () => answer([{ ...term, count: 30, previous: 40, growth: 0 }]),
  });
  renderWithQueries(<TrendsPanel window="1h" paused={false} />);
  const link = await screen.findByRole('link', { name: /weigh in/ });
  expect(within(link).getByRole('img', { name: 'negative' }).querySelector('circle')).toBeTruthy();
  expect(link.textContent).toMatch(/▼/);
});
