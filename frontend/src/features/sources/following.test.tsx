import { screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import type { SourceQueries } from '@/features/sources/api/wire';
import { SourcesView } from '@/features/sources/components/sources-view';
import { describeOrigin, writeQuery } from '@/features/sources/model/following';
import { sampleSource } from '@/features/sources/testing';
import { answerFetch, renderWithQueries } from '@/testing/render';

const follower = sampleSource({
  network: 'x',
  name: 'X',
  settings: { follow_topics: true, usd_per_month: 20 },
  has_credentials: true,
});

const queries: SourceQueries = {
  queries: [{ query: 'nimbrel OR vexa', is_own: false, topics: ['Nimbrel', 'Vexa'] }],
  left_out: [
    {
      topic: 'Nimbrel',
      part: 'NOT job',
      reason: 'X would exclude other posts, too',
      effect: 'wider',
    },
    { topic: 'Orlo', part: 'orlo*', reason: 'X cannot search for it', effect: 'missing' },
  ],
  notes: ['X finds whole words'],
};

function open(extra: Parameters<typeof answerFetch>[0] = {}) {
  const requests = answerFetch({ '/api/v1/sources': () => ({ items: [follower] }), ...extra });
  renderWithQueries(<SourcesView />);
  return requests;
}

test('a source shows what it asks for, for which topics, and what it leaves out', async () => {
  const requests = open({ '/api/v1/sources/s1/queries': () => queries });
  const summary = await screen.findByText('Queries of followed topics');
  expect(requests.some(({ url }) => url.pathname.endsWith('/queries'))).toBe(false);
  await userEvent.click(summary);
  const asked = within(await screen.findByRole('list', { name: 'Queries of X' }));
  expect(asked.getByRole('listitem').textContent).toBe('nimbrel OR vexa for Nimbrel, Vexa');
  const leftOut = within(screen.getByRole('list', { name: 'Left out by X' }));
  expect(leftOut.getAllByRole('listitem').map(({ textContent }) => textContent)).toEqual([
    'NOT job of Nimbrel: X would exclude other posts, too. More posts arrive than concern the topic.',
    'orlo* of Orlo: X cannot search for it. Posts may be missing.',
  ]);
  screen.getByText('X finds whole words.');
});

test('a source that can ask for nothing says so, and a failure can be tried again', async () => {
  let n_tries = 0;
  open({
    '/api/v1/sources/s1/queries': () =>
      (n_tries += 1) === 1
        ? new Response('{"error":{"code":"unavailable","message":"away"}}', { status: 503 })
        : { queries: [], left_out: [], notes: [] },
  });
  await userEvent.click(await screen.findByText('Queries of followed topics'));
  await userEvent.click(await screen.findByRole('button', { name: 'Try again' }));
  await screen.findByText('Nothing can be asked for.');
});

test('a source that follows topics needs no queries', async () => {
  const requests = open({ 'POST /api/v1/sources': () => follower });
  await userEvent.click(await screen.findByRole('button', { name: 'Add source' }));
  await userEvent.selectOptions(screen.getByLabelText('Network'), 'youtube');
  await userEvent.type(screen.getByLabelText('Name'), 'Videos');
  await userEvent.click(screen.getByRole('checkbox', { name: 'Follow topics' }));
  await userEvent.click(screen.getByRole('button', { name: 'Save source' }));
  const saved = requests.find(({ method }) => method === 'POST');
  expect(saved?.body).toEqual({
    network: 'youtube',
    name: 'Videos',
    settings: { follow_topics: true },
  });
});

test('queries are written as people write them, with their origin', () => {
  expect(writeQuery('mastodon', 'nimbrel')).toBe('#nimbrel');
  expect(writeQuery('x', 'nimbrel')).toBe('nimbrel');
  const origin = (is_own: boolean, topics: string[]) =>
    describeOrigin({ query: 'a', is_own, topics });
  expect(origin(true, [])).toBe('of this source');
  expect(origin(true, ['A'])).toBe('of this source, for A');
  expect(origin(false, ['A', 'B'])).toBe('for A, B');
});
