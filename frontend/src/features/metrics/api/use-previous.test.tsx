import { screen, waitFor } from '@testing-library/react';
import { expect, test } from 'vitest';
import { usePrevious } from '@/features/metrics/api/use-previous';
import { parseView } from '@/lib/view';
import { answerFetch, renderWithQueries } from '@/testing/render';
import { NOON, sampleTally } from '@/testing/samples';

const view = parseView({ product: 'Tide' });

function Previous({ from, seconds }: { from: number; seconds: number }) {
  const window = {
    from: new Date(from).toISOString(),
    to: new Date(from + seconds * 1_000).toISOString(),
    seconds,
  };
  return <output>{usePrevious(view, window)?.overall.count ?? 'none'}</output>;
}

test('the previous period is asked for once per bucket and ends where the window begins', async () => {
  const requests = answerFetch({
    '/api/metrics/overall': () => sampleTally({ count: 7 }),
    '/api/metrics/products': () => ({ items: [] }),
  });
  const { rerender } = renderWithQueries(<Previous from={NOON} seconds={60} />);
  await screen.findByText('7');
  expect(requests).toHaveLength(2);
  expect(Object.fromEntries(requests[0]?.url.searchParams ?? [])).toEqual({
    from: new Date(NOON - 60_000).toISOString(),
    to: new Date(NOON).toISOString(),
    product: 'Tide',
  });
  rerender(<Previous from={NOON + 10_000} seconds={60} />);
  await waitFor(() => expect(requests).toHaveLength(4));
});

test('a window whose length grows by the second asks no more often', async () => {
  const requests = answerFetch({
    '/api/metrics/overall': () => sampleTally({ count: 7 }),
    '/api/metrics/products': () => ({ items: [] }),
  });
  const { rerender } = renderWithQueries(<Previous from={NOON} seconds={60} />);
  for (let second = 0; second < 45; second += 1) {
    const past = Math.floor(second / 10) * 10_000;
    rerender(<Previous from={NOON + past} seconds={60 + (second % 10)} />);
    await screen.findByText('7');
  }
  expect(requests.length).toBeLessThanOrEqual(5 * 2);
});
