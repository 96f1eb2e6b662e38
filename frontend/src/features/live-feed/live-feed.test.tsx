import { act, fireEvent, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import { FeedPanel } from '@/features/live-feed/components/feed-panel';
import { MARKED_FOR_MS } from '@/features/live-feed/components/correction-mark';
import { describeCorrection } from '@/features/live-feed/model/describe';
import type { ShownPost } from '@/live/feed';
import { answerFetch, renderWithQueries } from '@/testing/render';
import { DEEP, NOON, samplePost, sampleScore } from '@/testing/samples';

const READ = samplePost(1).score;

/** Post 1 after its correction. */
function correctedPost(): ShownPost {
  const { post, score } = samplePost(1);
  return { post, score: sampleScore('negative', DEEP), correction: { frame: 'e:9', was: score } };
}

function uncertainPost(): ShownPost {
  const { post, score } = samplePost(1);
  const sentiment = { ...score.sentiment, confidence: 0.43, uncertain: true };
  return { post, score: { ...score, sentiment } };
}

const panelOf = (posts: ShownPost[]) => <FeedPanel posts={posts} oneIn={1} isFiltered={false} />;

test('a post shows its label, score, source and text', () => {
  render(<FeedPanel posts={[samplePost(1)]} oneIn={1} isFiltered={false} />);
  expect(screen.getByRole('img', { name: 'positive' })).toBeTruthy();
  expect(screen.getByText('+0.82')).toBeTruthy();
  expect(screen.getByText('Replay')).toBeTruthy();
  expect(screen.getByText('what a night 1')).toBeTruthy();
});

test('a sampled feed says its ratio', () => {
  render(<FeedPanel posts={[samplePost(1)]} oneIn={250} isFiltered={false} />);
  expect(screen.getByText('sampled: showing 1 in 250')).toBeTruthy();
});

test('markup in a post is text', () => {
  const post = samplePost(1, { text: '<img src=x onerror=alert(1)>' });
  const { container } = render(<FeedPanel posts={[post]} oneIn={1} isFiltered={false} />);
  expect(container.querySelector('img[src]')).toBeNull();
  expect(screen.getByText('<img src=x onerror=alert(1)>')).toBeTruthy();
});

test('one click shows all scores', async () => {
  answerFetch({});
  renderWithQueries(panelOf([samplePost(1)]));
  await userEvent.click(screen.getByRole('button', { name: 'Scores' }));
  expect(screen.getByText(/scored by swift 1/)).toBeTruthy();
  expect(screen.getByText('Positive, 90% confident')).toBeTruthy();
});

test('an uncertain label is marked and drawn as uncertain', async () => {
  answerFetch({});
  renderWithQueries(panelOf([uncertainPost()]));
  expect(screen.getByText('uncertain, 43% confident')).toBeTruthy();
  const mark = screen.getByRole('img', { name: 'positive, uncertain' });
  expect(mark.querySelector('circle')?.getAttribute('fill')).toBe('none');
  expect(screen.getByText('+0.82').className).not.toContain('text-positive');
  await userEvent.click(screen.getByRole('button', { name: 'Scores' }));
  expect(screen.getByText('Uncertain, possibly positive: 43% confident')).toBeTruthy();
});

test('a corrected post is marked for a moment', () => {
  vi.useFakeTimers();
  const { rerender } = render(panelOf([samplePost(1)]));
  expect(screen.queryByText(/^corrected/)).toBeNull();
  rerender(panelOf([correctedPost()]));
  expect(screen.getByRole('img', { name: 'negative' })).toBeTruthy();
  expect(screen.getByText('corrected, was positive')).toBeTruthy();
  act(() => void vi.advanceTimersByTime(MARKED_FOR_MS));
  expect(screen.queryByText(/^corrected/)).toBeNull();
});

test('a post whose correction arrived first is not marked', () => {
  render(panelOf([{ ...correctedPost(), correction: { frame: 'e:9', was: null } }]));
  expect(screen.queryByText(/^corrected/)).toBeNull();
});

test.each([
  ['a label', sampleScore('negative'), 'corrected, was positive'],
  ['certainty', uncertainPost().score, 'corrected, was 90% confident'],
  [
    'an emotion',
    { ...READ, emotion: { ...READ.emotion, label: 'anger' as const } },
    'corrected, was joy',
  ],
  ['a number', { ...READ, sentiment: { ...READ.sentiment, score: 0.31 } }, 'corrected, was +0.82'],
  ['a score that is not in the list', { ...READ, toxicity: 0.6 }, 'corrected'],
])('a correction of %s shows the earlier value', (_, now, words) => {
  expect(describeCorrection(READ, now)).toBe(words);
});

test('a paused list still updates its posts', () => {
  const { rerender } = render(panelOf([samplePost(1)]));
  fireEvent.pointerEnter(screen.getByRole('list', { name: 'Posts, newest first' }));
  rerender(panelOf([samplePost(2), correctedPost()]));
  expect(screen.queryByText('what a night 2')).toBeNull();
  expect(screen.getByRole('img', { name: 'negative' })).toBeTruthy();
});

test('the score history shows each model and time', async () => {
  const at = (ms: number) => new Date(NOON + ms).toISOString();
  const history = [
    { score: samplePost(1).score, scored_at: at(0) },
    { score: sampleScore('neutral', { ...DEEP, version: '2' }), scored_at: at(400) },
  ];
  const answer = { ...correctedPost(), corrected_at: at(2_500), history };
  answerFetch({ '/api/v1/posts/post-1': () => answer });
  renderWithQueries(panelOf([correctedPost()]));
  await userEvent.click(screen.getByRole('button', { name: 'Scores' }));
  const list = await screen.findByRole('list', { name: 'Score history, oldest first' });
  const said = within(list)
    .getAllByRole('listitem')
    .map(({ textContent }) => textContent);
  expect(said).toEqual([
    expect.stringMatching(/^Positive, 90% confidentswift 1, 2 Jan 2026/),
    'Neutral, 90% confidentdeep 2, 400 ms later',
    'Negative, 90% confidentdeep 3, 2.5 s later',
  ]);
});

test('a score history that cannot be loaded shows an error beside the scores', async () => {
  answerFetch({});
  renderWithQueries(panelOf([samplePost(1)]));
  await userEvent.click(screen.getByRole('button', { name: 'Scores' }));
  expect((await screen.findByRole('alert')).textContent).toContain('no such call');
  expect(screen.getByText(/scored by swift 1/)).toBeTruthy();
});

test('the list pauses under the pointer and catches up afterwards', () => {
  const panel = (n: number) => <FeedPanel posts={[samplePost(n)]} oneIn={1} isFiltered={false} />;
  const { rerender } = render(panel(1));
  fireEvent.pointerEnter(screen.getByRole('list', { name: 'Posts, newest first' }));
  rerender(panel(2));
  expect(screen.getByText('what a night 1')).toBeTruthy();
  expect(screen.getByText('paused while you read')).toBeTruthy();
  fireEvent.pointerLeave(screen.getByRole('list', { name: 'Posts, newest first' }));
  expect(screen.getByText('what a night 2')).toBeTruthy();
});

test('an empty feed says whether filters are active', () => {
  const { rerender } = render(<FeedPanel posts={[]} oneIn={1} isFiltered={false} />);
  expect(screen.getByText(/No posts yet/)).toBeTruthy();
  rerender(<FeedPanel posts={[]} oneIn={1} isFiltered />);
  expect(screen.getByText(/match these filters/)).toBeTruthy();
});
