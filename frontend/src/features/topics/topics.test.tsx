import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import type { Topic, TopicPost, TopicQueryCheck } from '@/features/topics/api/wire';
import { TopicsView } from '@/features/topics/components/topics-view';
import { contentOf } from '@/features/topics/model/draft';
import { answerFetch, renderWithQueries } from '@/testing/render';
import { samplePost } from '@/testing/samples';

const topic: Topic = {
  id: 't1',
  name: 'Harbor Pay',
  kind: 'product',
  is_ours: true,
  tracks_churn: true,
  query: '"harbor pay" OR #harborpay',
  enabled: true,
  created_at: '2026-11-20T08:00:00Z',
  updated_at: new Date(Date.now() - 3 * 3_600_000).toISOString(),
  updated_by: 'Ann',
};
const rival: Topic = {
  ...topic,
  id: 't2',
  name: 'Tidal & Co',
  kind: 'competitor',
  is_ours: false,
  tracks_churn: false,
  enabled: false,
};

const VALID: TopicQueryCheck = { valid: true, canonical: 'tide', hints: [] };

const preview = {
  from: '2026-11-20T08:00:00Z',
  to: '2026-11-21T08:00:00Z',
  posts_read: 480,
  posts_matched: 12,
  per_day: 12,
  items: [samplePost(1, { text: 'The tide turns' })],
};

function open(extra: Parameters<typeof answerFetch>[0] = {}) {
  const requests = answerFetch({
    '/api/v1/topics': () => ({ items: [topic, rival] }),
    '/api/metrics/products': () => ({ items: [{ key: 'Harbor Pay', count: 1_204 }] }),
    'POST /api/v1/topics/validate': () => VALID,
    'POST /api/v1/topics/preview': () => preview,
    ...extra,
  });
  const renderPost = ({ post }: TopicPost) => <li key={post.uuid}>{post.text}</li>;
  renderWithQueries(<TopicsView renderPost={renderPost} />);
  return requests;
}

const isDraft = (path: string) => /\/(validate|preview)$/.test(path);
const changesIn = (requests: ReturnType<typeof open>) =>
  requests.filter(({ method, url }) => method !== 'GET' && !isDraft(url.pathname));
const sentTo = (requests: ReturnType<typeof open>, path: string) =>
  requests.filter(({ url }) => url.pathname === path).map(({ body }) => body);

const rowOf = async (name: string) => {
  const items = await within(await screen.findByRole('list', { name: 'Topics' })).findAllByRole(
    'listitem',
  );
  return within(items.find((item) => item.textContent?.includes(name))!);
};

const rejects = (status: number, error: object) => () =>
  new Response(JSON.stringify({ error }), { status });

async function openEditor() {
  await userEvent.click(await screen.findByRole('button', { name: 'New topic' }));
  return screen.getByRole<HTMLTextAreaElement>('textbox', { name: 'Query' });
}

const markedIn = (field: HTMLElement) =>
  [...field.parentElement!.querySelectorAll('mark')].map((mark) => mark.textContent);

test('a topic is listed with its kind, posts and last change', async () => {
  const requests = open();
  const ours = await rowOf('Harbor Pay');
  for (const badge of ['product', 'ours', 'tracks churn']) ours.getByText(badge);
  ours.getByText('"harbor pay" OR #harborpay');
  ours.getByText('changed 3 h ago by Ann');
  const link = await ours.findByRole('link', { name: '1,204 posts in the last 24 hours' });
  expect(link.getAttribute('href')).toBe('/explore?product=Harbor+Pay&window=24h');
  const theirs = await rowOf('Tidal & Co');
  theirs.getByText('off');
  expect(theirs.queryByText('ours')).toBeNull();
  const none = theirs.getByRole('link', { name: '0 posts in the last 24 hours' });
  expect(none.getAttribute('href')).toBe('/explore?product=Tidal+%26+Co&window=24h');
  expect(sentTo(requests, '/api/metrics/products')).toHaveLength(1);
});

test('an empty page explains topics and offers to create one', async () => {
  open({ '/api/v1/topics': () => ({ items: [] }) });
  await screen.findByText(/^A topic is a subject that you follow/);
  await userEvent.click(screen.getByRole('button', { name: 'Create a topic' }));
  expect(screen.getByRole('dialog', { name: 'New topic' })).toBeTruthy();
});

test('turning on a topic keeps its other fields', async () => {
  const requests = open({ 'PUT /api/v1/topics/t2': () => ({ ...rival, enabled: true }) });
  await userEvent.click(await screen.findByRole('switch', { name: 'Enable Tidal & Co' }));
  await waitFor(() => expect(changesIn(requests)).toHaveLength(1));
  expect(changesIn(requests)[0]?.body).toEqual({ ...contentOf(rival), enabled: true });
});

test('a deleted topic can be created again', async () => {
  let items = [topic, rival];
  const requests = open({
    '/api/v1/topics': () => ({ items }),
    'DELETE /api/v1/topics/t1': () => {
      items = [rival];
      return new Response(null, { status: 204 });
    },
    'POST /api/v1/topics': () => topic,
  });
  await userEvent.click(await screen.findByRole('button', { name: 'Delete Harbor Pay' }));
  await screen.findByText('Deleted “Harbor Pay”.');
  expect(screen.queryByRole('button', { name: 'Delete Harbor Pay' })).toBeNull();
  const undo = screen.getByRole('button', { name: 'Undo' });
  await waitFor(() => expect(document.activeElement).toBe(undo));
  await userEvent.click(undo);
  await screen.findByText('Restored “Harbor Pay”.');
  expect(changesIn(requests).map(({ method }) => method)).toEqual(['DELETE', 'POST']);
  expect(changesIn(requests)[1]?.body).toEqual(contentOf(topic));
});

test('the defaults follow the kind until a person chooses', async () => {
  open();
  await openEditor();
  const [kind, ours, churn] = [
    screen.getByLabelText('Kind'),
    screen.getByRole<HTMLInputElement>('checkbox', { name: 'About our own organization' }),
    screen.getByRole<HTMLInputElement>('checkbox', { name: /churn may open alerts/ }),
  ];
  expect([ours.checked, churn.checked]).toEqual([true, true]);
  await userEvent.selectOptions(kind, 'competitor');
  expect([ours.checked, churn.checked]).toEqual([false, false]);
  await userEvent.click(churn);
  await userEvent.selectOptions(kind, 'brand');
  expect([ours.checked, churn.checked]).toEqual([true, true]);
  await userEvent.click(ours);
  expect([ours.checked, churn.checked]).toEqual([false, true]);
  await userEvent.selectOptions(kind, 'product');
  expect(ours.checked).toBe(false);
});

test('a query is checked and previewed once it is no longer typed, and then saved', async () => {
  const requests = open({ 'POST /api/v1/topics': () => topic });
  const query = await openEditor();
  await userEvent.type(screen.getByLabelText('Name'), 'Tide');
  await userEvent.type(query, 'tide{Enter}OR wave');
  await screen.findByText('About 12 posts a day');
  screen.getByText('12 of 480 posts in the last 24 hours match.');
  expect(screen.getByRole('list', { name: 'Newest matching posts' }).textContent).toBe(
    'The tide turns',
  );
  const typed = { query: 'tide\nOR wave' };
  expect(sentTo(requests, '/api/v1/topics/validate').at(-1)).toEqual(typed);
  expect(sentTo(requests, '/api/v1/topics/preview').at(-1)).toEqual(typed);
  await userEvent.click(screen.getByRole('button', { name: 'Save topic' }));
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  expect(changesIn(requests).map(({ body }) => body)).toEqual([
    {
      ...{ name: 'Tide', kind: 'product', is_ours: true, tracks_churn: true },
      ...{ query: 'tide\nOR wave', enabled: true },
    },
  ]);
});

test('an invalid query is marked where it is wrong, explained, and not previewed', async () => {
  const error = { span: { from: 2, to: 3 }, message: 'this bracket is never closed; add `)`' };
  const requests = open({
    'POST /api/v1/topics/validate': () => ({ valid: false, error, hints: [] }),
  });
  const query = await openEditor();
  await userEvent.type(query, '🌊 (tide');
  await waitFor(() => expect(markedIn(query)).toEqual(['(']));
  expect(query.getAttribute('aria-invalid')).toBe('true');
  const described = query.getAttribute('aria-describedby')!.split(' ');
  const texts = described.map((id) => document.getElementById(id)?.textContent ?? '');
  expect(texts).toContain('Character 3: this bracket is never closed; add ).');
  screen.getByText('Complete the query to see which recent posts it matches.');
  // The mark would be at the wrong place in another text.
  await userEvent.type(query, 's');
  expect(markedIn(query)).toEqual([]);
  await waitFor(() => expect(markedIn(query)).toEqual(['(']));
  expect(sentTo(requests, '/api/v1/topics/preview')).toEqual([]);
});

test('hints are marked and explained, and the canonical form shows what is left out', async () => {
  const hints = [{ span: { from: 5, to: 8 }, message: '`and` is searched as a word' }];
  const canonical = 'tide AND and AND wave';
  open({ 'POST /api/v1/topics/validate': () => ({ valid: true, canonical, hints }) });
  const query = await openEditor();
  await userEvent.type(query, 'tide and wave');
  await waitFor(() => expect(markedIn(query)).toEqual(['and']));
  expect(query.getAttribute('aria-invalid')).toBeNull();
  const described = query.getAttribute('aria-describedby')!.split(' ').at(-1)!;
  expect(document.getElementById(described)?.textContent).toBe(
    `Characters 6 to 8: and is searched as a word.Read as ${canonical}`,
  );
});

test('a late answer about an earlier query is dropped, and its request aborted', async () => {
  open();
  const answer = fetch;
  const late: { signal: AbortSignal; resolve: (response: Response) => void }[] = [];
  vi.stubGlobal('fetch', (path: string, init?: RequestInit) => {
    const isFirst = path.endsWith('/validate') && String(init?.body).includes('"tide OR"');
    if (!isFirst) return answer(path, init);
    return new Promise((resolve) => late.push({ signal: init!.signal!, resolve }));
  });
  const query = await openEditor();
  await userEvent.type(query, 'tide OR');
  await waitFor(() => expect(late).toHaveLength(1));
  expect(late[0]!.signal.aborted).toBe(false);
  await userEvent.type(query, ' wave');
  await screen.findByText('The query is valid.');
  expect(late[0]!.signal.aborted).toBe(true);
  const error = { span: { from: 5, to: 7 }, message: 'write a term after `OR`' };
  late[0]!.resolve(new Response(JSON.stringify({ valid: false, error, hints: [] })));
  await screen.findByText('About 12 posts a day');
  expect(query.getAttribute('aria-invalid')).toBeNull();
  expect(markedIn(query)).toEqual([]);
});

test('a name that is taken is shown at the name, and nothing typed is lost', async () => {
  open({
    'POST /api/v1/topics': rejects(409, {
      code: 'name_taken',
      message: 'another topic has this name',
    }),
  });
  const query = await openEditor();
  const name = screen.getByLabelText<HTMLInputElement>('Name');
  await userEvent.type(name, 'Harbor Pay');
  await userEvent.type(query, 'harbor');
  await userEvent.click(screen.getByRole('button', { name: 'Save topic' }));
  await screen.findByText('Another topic has this name.');
  expect(name.getAttribute('aria-invalid')).toBe('true');
  await waitFor(() => expect(document.activeElement).toBe(name));
  expect([name.value, query.value]).toEqual(['Harbor Pay', 'harbor']);
  await userEvent.type(name, ' 2');
  expect(name.getAttribute('aria-invalid')).toBeNull();
});

test('what the server rejects about a query is shown at the query', async () => {
  open({
    'POST /api/v1/topics': rejects(422, {
      code: 'invalid_field',
      message: 'characters 1 to 2: write a term before `OR`',
      details: { field: 'query' },
    }),
  });
  const query = await openEditor();
  await userEvent.type(screen.getByLabelText('Name'), 'Tide');
  await userEvent.type(query, 'OR tide');
  await userEvent.click(screen.getByRole('button', { name: 'Save topic' }));
  await waitFor(() => expect(query.getAttribute('aria-invalid')).toBe('true'));
  await waitFor(() => expect(document.activeElement).toBe(query));
  expect(query.value).toBe('OR tide');
});

test('the limit on topics is shown in the form, which stays open', async () => {
  open({
    'POST /api/v1/topics': rejects(413, {
      code: 'too_large',
      message: 'at most 1000 topics are allowed',
    }),
  });
  const query = await openEditor();
  await userEvent.type(screen.getByLabelText('Name'), 'Tide');
  await userEvent.type(query, 'tide');
  await userEvent.click(screen.getByRole('button', { name: 'Save topic' }));
  const alert = await screen.findByRole('alert');
  expect(alert.textContent).toBe('The topic could not be saved. At most 1000 topics are allowed.');
  expect(query.value).toBe('tide');
});

test('an incomplete topic is not sent', async () => {
  const requests = open();
  await openEditor();
  await userEvent.click(screen.getByRole('button', { name: 'Save topic' }));
  screen.getByText('Enter a name.');
  screen.getByText('Enter a query.');
  expect(changesIn(requests)).toEqual([]);
});

test('job ads and giveaways can be left out of a query', async () => {
  open();
  const field = await openEditor();
  const jobAds = screen.getByRole<HTMLInputElement>('checkbox', { name: 'Job ads' });
  expect(jobAds.matches(':disabled')).toBe(true);
  await userEvent.type(field, 'tide OR ebb');
  await userEvent.click(jobAds);
  expect(field.value).toBe('(tide OR ebb) NOT is:job_ad');
  expect(jobAds.checked).toBe(true);
  await userEvent.click(jobAds);
  expect(field.value).toBe('(tide OR ebb)');
});
