import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import { TopPostsPanel } from '@/features/top-posts/components/top-posts-panel';
import type { Drill } from '@/lib/drill';
import { parseView } from '@/lib/view';
import { answerFetch, renderWithQueries } from '@/testing/render';
import { samplePost } from '@/testing/samples';

const drill: Drill = {
  searchOf: (behind) => behind as Record<string, string>,
  open: () => undefined,
};
const view = parseView({ product: 'Tide' });
const window = { to: '2026-01-02T12:00:00Z', seconds: 60 };
const answers = { '/api/v1/posts': () => ({ items: [samplePost(1)], next_cursor: null }) };

const ignore = () => undefined;

test('top posts use the filters and at least an hour', async () => {
  const requests = answerFetch(answers);
  renderWithQueries(<TopPostsPanel view={view} window={window} drill={drill} onOrder={ignore} />);
  const link = await screen.findByRole('link', { name: /what a night 1/ });
  expect(Object.fromEntries(requests[0]?.url.searchParams ?? [])).toEqual({
    from: '2026-01-02T11:00:00.000Z',
    to: '2026-01-02T12:00:00.000Z',
    product: 'Tide',
    order: 'virality',
    limit: '6',
  });
  expect(link.getAttribute('href')).toContain('post=post-1');
});

test('another order sends another request', async () => {
  const requests = answerFetch(answers);
  const onOrder = vi.fn();
  renderWithQueries(<TopPostsPanel view={view} window={window} drill={drill} onOrder={onOrder} />);
  await userEvent.click(screen.getByRole('radio', { name: 'Rising: gaining fastest' }));
  expect(onOrder).toHaveBeenCalledWith('rising');
  const rising = parseView({ top: 'rising' });
  renderWithQueries(<TopPostsPanel view={rising} window={window} drill={drill} onOrder={ignore} />);
  await waitFor(() => expect(requests.at(-1)?.url.searchParams.get('order')).toBe('rising'));
});

test('without rising posts, the panel says so', async () => {
  answerFetch({ '/api/v1/posts': () => ({ items: [], next_cursor: null }) });
  const rising = parseView({ top: 'rising' });
  renderWithQueries(<TopPostsPanel view={rising} window={window} drill={drill} onOrder={ignore} />);
  expect(await screen.findByText(/^No posts have gained/)).toBeTruthy();
});
