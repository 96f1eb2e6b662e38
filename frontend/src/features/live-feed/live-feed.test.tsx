import { fireEvent, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import { FeedPanel } from '@/features/live-feed/components/feed-panel';
import { samplePost } from '@/testing/samples';

test('a post shows its label, score, source and text', () => {
  render(<FeedPanel posts={[samplePost(1)]} oneIn={1} isFiltered={false} />);
  expect(screen.getByRole('img', { name: 'positive' })).toBeTruthy();
  expect(screen.getByText('+0.82')).toBeTruthy();
  expect(screen.getByText('Replay')).toBeTruthy();
  expect(screen.getByText('what a night 1')).toBeTruthy();
});

test('a sample says how thin it is', () => {
  render(<FeedPanel posts={[samplePost(1)]} oneIn={250} isFiltered={false} />);
  expect(screen.getByText('sampled: showing 1 in 250')).toBeTruthy();
});

test('markup in a post is text', () => {
  const post = samplePost(1, { text: '<img src=x onerror=alert(1)>' });
  const { container } = render(<FeedPanel posts={[post]} oneIn={1} isFiltered={false} />);
  expect(container.querySelector('img[src]')).toBeNull();
  expect(screen.getByText('<img src=x onerror=alert(1)>')).toBeTruthy();
});

test('all scores are one press away', async () => {
  render(<FeedPanel posts={[samplePost(1)]} oneIn={1} isFiltered={false} />);
  await userEvent.click(screen.getByRole('button', { name: 'Scores' }));
  expect(screen.getByText(/read by swift 1/)).toBeTruthy();
});

test('the list stands still while it is read, and catches up afterwards', () => {
  const panel = (n: number) => <FeedPanel posts={[samplePost(n)]} oneIn={1} isFiltered={false} />;
  const { rerender } = render(panel(1));
  fireEvent.pointerEnter(screen.getByRole('list', { name: 'Posts, newest first' }));
  rerender(panel(2));
  expect(screen.getByText('what a night 1')).toBeTruthy();
  expect(screen.getByText('held while you read')).toBeTruthy();
  fireEvent.pointerLeave(screen.getByRole('list', { name: 'Posts, newest first' }));
  expect(screen.getByText('what a night 2')).toBeTruthy();
});

test('an empty feed says whether a filter is the reason', () => {
  const { rerender } = render(<FeedPanel posts={[]} oneIn={1} isFiltered={false} />);
  expect(screen.getByText(/No posts yet/)).toBeTruthy();
  rerender(<FeedPanel posts={[]} oneIn={1} isFiltered />);
  expect(screen.getByText(/matched these filters/)).toBeTruthy();
});
