import { screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import { describeGrowth, TrendsPanel } from '@/features/trends/components/trends-panel';
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
  expect(link.textContent).toContain('×3.0');
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
  [{ previous: 0, growth: 3 }, 'new'],
  [{ previous: 10, growth: 2.4 }, '×3.4'],
  [{ previous: 10, growth: 0.4 }, '+40%'],
  [{ previous: 10, growth: -0.2 }, '−20%'],
  [{ previous: 10, growth: 0 }, '±0%'],
  [{ previous: 0, growth: null }, ''],
])('%j is described as %s', (changes, text) => {
  expect(describeGrowth({ ...term, ...changes })).toBe(text);
});
