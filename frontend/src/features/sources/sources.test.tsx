import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import type { Source } from '@/features/sources/api/wire';
import { SourcesView } from '@/features/sources/components/sources-view';
import { contentOf } from '@/features/sources/model/draft';
import { sampleSource } from '@/features/sources/testing';
import { answerFetch, renderWithQueries } from '@/testing/render';

const sky = sampleSource({});
const spare = sampleSource({
  id: 's2',
  name: 'Spare',
  settings: { base_url: 'https://spare.example' },
  ...{ state: 'waiting', reason: 'cannot reach the host; next attempt at 12:04:10 UTC' },
  ...{ offered: 0, stored: 0, rejected: 0, erased: 0, lag_s: null, last_post_at: null },
  updated_by: null,
});

function open(extra: Parameters<typeof answerFetch>[0] = {}) {
  const requests = answerFetch({
    '/api/v1/sources': () => ({ items: [sky, spare] }),
    ...extra,
  });
  renderWithQueries(<SourcesView />);
  return requests;
}

const changesIn = (requests: ReturnType<typeof open>) =>
  requests
    .filter(({ method }) => method !== 'GET')
    .map(({ method, url, body }) => [method, url.pathname.replace('/api/v1', ''), body]);

async function rowOf(name: string) {
  const rows = await within(await screen.findByRole('list', { name: 'Sources' })).findAllByRole(
    'listitem',
  );
  return within(
    rows.find((row) => within(row).queryByRole('heading')?.textContent?.includes(name))!,
  );
}

/** The figures of a row by their names. */
const figuresOf = (row: Awaited<ReturnType<typeof rowOf>>) =>
  Object.fromEntries(
    row
      .getAllByRole('term')
      .map((term) => [term.textContent, term.nextElementSibling?.textContent]),
  );

const rejects = (status: number, error: object) => () =>
  new Response(JSON.stringify({ error }), { status });

const press = async (name: string) => userEvent.click(await screen.findByRole('button', { name }));

async function openEditor() {
  await press('Add source');
  return {
    name: screen.getByLabelText<HTMLInputElement>('Name'),
    address: screen.getByLabelText<HTMLInputElement>('Address of the host (optional)'),
  };
}

test('a source is listed with its state, reason, figures, links and last change', async () => {
  open();
  const row = await rowOf('Bluesky');
  row.getByText('running');
  row.getByText('Receives new posts.');
  expect(figuresOf(row)).toEqual({
    'Posts/min': '–',
    Lag: '0.4 s',
    'Last post': '12 s ago',
    Offered: '1,204',
    Stored: '1,200',
    Rejected: '4',
    Erased: '31',
  });
  row.getByText('changed 3 h ago by Ann');
  row.getByText('No gaps');
  const hrefOf = (name: string) => row.getByRole('link', { name }).getAttribute('href');
  expect(hrefOf('Explore its posts')).toBe('/explore?source=bluesky');
  expect(hrefOf('Watch live')).toBe('/?source=bluesky');
  const other = await rowOf('Spare');
  other.getByText('waiting');
  other.getByText('Cannot reach the host; next attempt at 12:04:10 UTC.');
  other.getByText('https://spare.example');
  other.getByText('changed 3 h ago');
  expect(figuresOf(other)).toMatchObject({ Lag: '–', 'Last post': '–', Offered: '0' });
});

test('posts per minute are known after the next refresh', async () => {
  let offered = 1_000;
  const began = Date.now();
  open({ '/api/v1/sources': () => ({ items: [{ ...sky, offered: (offered += 60) }] }) });
  expect(figuresOf(await rowOf('Bluesky'))['Posts/min']).toBe('–');
  await waitFor(async () => {
    const rate = Number(figuresOf(await rowOf('Bluesky'))['Posts/min']?.replace(',', ''));
    // 60 posts in two seconds, or in as much more as the machine took.
    expect(rate).toBeGreaterThanOrEqual(Math.floor((60 * 60_000) / (Date.now() - began)));
    expect(rate).toBeLessThanOrEqual(1_850);
  });
});

test('gaps unfold to a table', async () => {
  const gap = { from: '2026-11-20T08:00:00Z', to: '2026-11-20T08:30:00Z' };
  const gaps = [{ ...gap, reason: 'the host no longer has them' }];
  open({ '/api/v1/sources': () => ({ items: [{ ...sky, gaps }] }) });
  await userEvent.click(await screen.findByText('1 gap'));
  const table = screen.getByRole('table', {
    name: 'Periods from which posts of Bluesky may be missing',
  });
  within(table).getByRole('cell', { name: 'the host no longer has them' });
});

test('an empty page explains sources and hears Bluesky in one click, which can be undone', async () => {
  let items: Source[] = [];
  const requests = open({
    '/api/v1/sources': () => ({ items }),
    'POST /api/v1/sources': () => {
      items = [sky];
      return sky;
    },
    'DELETE /api/v1/sources/s1': () => {
      items = [];
      return new Response(null, { status: 204 });
    },
  });
  await screen.findByText(/^A source connects to a social network/);
  await press('Connect Bluesky');
  await screen.findByText('Created “Bluesky”. It starts within seconds.');
  await rowOf('Bluesky');
  await press('Undo');
  await screen.findByRole('button', { name: 'Connect Bluesky' });
  expect(changesIn(requests)).toEqual([
    ['POST', '/sources', { network: 'bluesky', name: 'Bluesky', settings: {} }],
    ['DELETE', '/sources/s1', null],
  ]);
});

test('a source is paused in one click and resumed by undoing it', async () => {
  let state: Source['state'] = 'running';
  const becomes = (next: Source['state']) => () => ({ ...sky, state: (state = next) });
  const requests = open({
    '/api/v1/sources': () => ({ items: [{ ...sky, state }] }),
    'POST /api/v1/sources/s1/pause': becomes('paused'),
    'POST /api/v1/sources/s1/resume': becomes('running'),
  });
  await press('Pause Bluesky');
  await screen.findByText('Paused “Bluesky”.');
  await screen.findByRole('button', { name: 'Resume Bluesky' });
  await press('Undo');
  await screen.findByText('Resumed “Bluesky”.');
  await screen.findByRole('button', { name: 'Pause Bluesky' });
  expect(changesIn(requests)).toEqual([
    ['POST', '/sources/s1/pause', null],
    ['POST', '/sources/s1/resume', null],
  ]);
});

test('an action that fails says so, and can be tried again', async () => {
  let n_tries = 0;
  open({
    'POST /api/v1/sources/s1/pause': () =>
      (n_tries += 1) === 1
        ? rejects(503, { code: 'unavailable', message: 'PostgreSQL is unavailable' })()
        : { ...sky, state: 'paused' },
  });
  await press('Pause Bluesky');
  expect((await screen.findByRole('alert')).textContent).toMatch(
    /^“Bluesky” could not be paused\. PostgreSQL is unavailable\./,
  );
  await press('Try again');
  await screen.findByText('Paused “Bluesky”.');
});

test('a source that has stopped can be tried again', async () => {
  const requests = open({
    '/api/v1/sources': () => ({ items: [{ ...sky, state: 'needs_key', reason: '401' }] }),
    'POST /api/v1/sources/s1/resume': () => sky,
  });
  await press('Try again: Bluesky');
  await screen.findByText('Restarted “Bluesky”.');
  expect(screen.queryByRole('button', { name: 'Undo' })).toBeNull();
  expect(changesIn(requests)).toEqual([['POST', '/sources/s1/resume', null]]);
});

test('a source is deleted after a confirmation, and restored as it was', async () => {
  let items = [{ ...sky, state: 'paused' }];
  const requests = open({
    '/api/v1/sources': () => ({ items }),
    'DELETE /api/v1/sources/s1': () => {
      items = [];
      return new Response(null, { status: 204 });
    },
    'POST /api/v1/sources': () => ({ ...sky, id: 's9' }),
    'POST /api/v1/sources/s9/pause': () => sky,
  });
  await press('Delete Bluesky');
  const dialog = within(screen.getByRole('alertdialog'));
  dialog.getByText('Its posts are kept.');
  expect(changesIn(requests)).toEqual([]);
  await userEvent.click(dialog.getByRole('button', { name: 'Delete' }));
  await screen.findByText('Deleted “Bluesky”. Its posts are kept.');
  await press('Undo');
  await screen.findByText('Restored “Bluesky”. It starts from now, with its counts at 0.');
  expect(changesIn(requests)).toEqual([
    ['DELETE', '/sources/s1', null],
    ['POST', '/sources', contentOf(sky)],
    ['POST', '/sources/s9/pause', null],
  ]);
});

test('a test shows what was found beside its source', async () => {
  const test = { state: 'waiting', message: 'cannot reach the host' };
  open({ 'POST /api/v1/sources/s2/test': () => test });
  await press('Test Spare');
  const row = await rowOf('Spare');
  await row.findByText('Test: Waiting. Cannot reach the host.');
});

test('earlier posts are heard again from the chosen hour on', async () => {
  const requests = open({ 'POST /api/v1/sources/s1/backfill': () => sky });
  await press('Backfill Bluesky');
  screen.getByText(/Posts that are already stored are not counted again\./);
  const hours = within(screen.getByRole('radiogroup', { name: 'How far back' }));
  expect(hours.getAllByRole('radio').map(({ textContent }) => textContent)).toEqual([
    '1 h',
    '6 h',
    '12 h',
    '24 h',
    '36 h',
  ]);
  await userEvent.click(hours.getByRole('radio', { name: '24 hours' }));
  await press('Backfill the last 24 hours');
  await screen.findByText('Backfilling the last 24 hours of “Bluesky”.');
  expect(changesIn(requests)).toEqual([['POST', '/sources/s1/backfill', { hours: 24 }]]);
});

test('a source is added with an address of its own', async () => {
  const requests = open({ 'POST /api/v1/sources': () => sky });
  const { name, address } = await openEditor();
  const network = screen.getByLabelText<HTMLSelectElement>('Network');
  expect([...network.options].map(({ text }) => text)).toContain('Bluesky');
  await userEvent.type(name, 'Our host');
  await userEvent.type(address, 'https://jetstream.example.org');
  await press('Save source');
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  const settings = { base_url: 'https://jetstream.example.org' };
  expect(changesIn(requests)).toEqual([
    ['POST', '/sources', { network: 'bluesky', name: 'Our host', settings }],
  ]);
});

test('a source on Mastodon is added with its instance and hashtags', async () => {
  const requests = open({ 'POST /api/v1/sources': () => sky });
  const { name } = await openEditor();
  await userEvent.selectOptions(screen.getByLabelText('Network'), 'mastodon');
  await userEvent.type(name, 'Fedi');
  await press('Save source');
  screen.getByText('Enter the address of the instance.');
  const address = screen.getByLabelText('Address of the instance');
  await userEvent.type(address, 'https://social.example');
  await userEvent.type(screen.getByLabelText('Hashtags (optional)'), '#cats, dogs');
  await userEvent.click(screen.getByLabelText(/Only posts that were written on the instance/));
  await press('Save source');
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  const settings = { base_url: 'https://social.example', tags: ['cats', 'dogs'], only_local: true };
  expect(changesIn(requests)).toEqual([
    ['POST', '/sources', { network: 'mastodon', name: 'Fedi', settings }],
  ]);
});

test('a source on YouTube is added with queries and a key, which is replaced on its own', async () => {
  const videos = { ...sky, id: 's3', network: 'youtube' as const, name: 'Videos' };
  const stored = { ...videos, has_credentials: true, settings: { queries: ['nimbrel'] } };
  const requests = open({
    '/api/v1/sources': () => ({ items: [stored] }),
    'POST /api/v1/sources': () => stored,
    'PATCH /api/v1/sources/s3': () => stored,
    'PUT /api/v1/sources/s3/credentials': () => stored,
  });
  await press('Add source');
  await userEvent.selectOptions(screen.getByLabelText('Network'), 'YouTube');
  await userEvent.type(screen.getByLabelText('Name'), 'Videos');
  await press('Save source');
  screen.getByText('Enter 1 to 5 queries, each on a line of its own.');
  await userEvent.type(screen.getByLabelText('Queries'), 'nimbrel{enter}acme');
  const key = screen.getByLabelText<HTMLInputElement>('API key');
  expect(key.type).toBe('password');
  await userEvent.type(key, 'AIza');
  await press('Save source');
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  await press('Edit Videos');
  await userEvent.type(screen.getByLabelText('API key (leave empty to keep it)'), 'AIzb');
  await press('Save source');
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  const source = { network: 'youtube', name: 'Videos', settings: { queries: ['nimbrel', 'acme'] } };
  expect(changesIn(requests)).toEqual([
    ['POST', '/sources', { ...source, credentials: { token: 'AIza' } }],
    ['PATCH', '/sources/s3', { name: 'Videos', settings: { queries: ['nimbrel'] } }],
    ['PUT', '/sources/s3/credentials', { token: 'AIzb' }],
  ]);
});

test('a source on X is added with queries, a budget and a token, which is replaced on its own', async () => {
  const settings = { queries: ['nimbrel', 'vexa'], usd_per_month: 20 };
  const stored = {
    ...sky,
    ...{ id: 's3', network: 'x' as const, name: 'Posts', settings, has_credentials: true },
  };
  const requests = open({
    '/api/v1/sources': () => ({ items: [stored] }),
    'POST /api/v1/sources': () => stored,
    'PATCH /api/v1/sources/s3': () => stored,
    'PUT /api/v1/sources/s3/credentials': () => stored,
  });
  await press('Add source');
  await userEvent.selectOptions(screen.getByLabelText('Network'), 'X');
  await userEvent.type(screen.getByLabelText('Name'), 'Posts');
  await press('Save source');
  screen.getByText('Enter how many dollars may be spent a month, such as 20.');
  await userEvent.type(screen.getByLabelText('Queries'), 'nimbrel{enter}vexa');
  await userEvent.type(screen.getByLabelText('Budget in dollars a month'), '20');
  const token = screen.getByLabelText<HTMLInputElement>('Bearer token');
  expect(token.type).toBe('password');
  await userEvent.type(token, 'AAAA');
  await press('Save source');
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  await press('Edit Posts');
  await userEvent.type(screen.getByLabelText('Bearer token (leave empty to keep it)'), 'BBBB');
  await press('Save source');
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  expect(changesIn(requests)).toEqual([
    ['POST', '/sources', { network: 'x', name: 'Posts', settings, credentials: { token: 'AAAA' } }],
    ['PATCH', '/sources/s3', { name: 'Posts', settings }],
    ['PUT', '/sources/s3/credentials', { token: 'BBBB' }],
  ]);
});

test('a source on Reddit is added with subreddits and an app, which is replaced on its own', async () => {
  const settings = { subreddits: ['nimbrel', 'sneakers'] };
  const stored = {
    ...sky,
    ...{ id: 's3', network: 'reddit' as const, name: 'Threads', settings, has_credentials: true },
  };
  const requests = open({
    '/api/v1/sources': () => ({ items: [stored] }),
    'POST /api/v1/sources': () => stored,
    'PATCH /api/v1/sources/s3': () => stored,
    'PUT /api/v1/sources/s3/credentials': () => stored,
  });
  await press('Add source');
  await userEvent.selectOptions(screen.getByLabelText('Network'), 'Reddit');
  await userEvent.type(screen.getByLabelText('Name'), 'Threads');
  await userEvent.type(screen.getByLabelText('Id of the app'), 'id');
  await press('Save source');
  screen.getByText('Enter 1 to 25 subreddits.');
  screen.getByText('Enter both the id and the secret of the app.');
  await userEvent.type(screen.getByLabelText('Subreddits'), 'r/nimbrel, sneakers');
  const secret = screen.getByLabelText<HTMLInputElement>('Secret of the app');
  expect(secret.type).toBe('password');
  await userEvent.type(secret, 'hush');
  await press('Save source');
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  await press('Edit Threads');
  await userEvent.type(screen.getByLabelText('Id of the app (leave empty to keep it)'), 'id');
  await userEvent.type(screen.getByLabelText('Secret of the app (leave empty to keep it)'), 'new');
  await press('Save source');
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  const credentials = { client_id: 'id', client_secret: 'hush' };
  expect(changesIn(requests)).toEqual([
    ['POST', '/sources', { network: 'reddit', name: 'Threads', settings, credentials }],
    ['PATCH', '/sources/s3', { name: 'Threads', settings }],
    ['PUT', '/sources/s3/credentials', { ...credentials, client_secret: 'new' }],
  ]);
});

test('editing changes the name and settings only', async () => {
  const requests = open({ 'PATCH /api/v1/sources/s2': () => spare });
  await press('Edit Spare');
  expect(screen.queryByLabelText('Network')).toBeNull();
  await userEvent.clear(screen.getByLabelText('Address of the host (optional)'));
  await press('Save source');
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  expect(changesIn(requests)).toEqual([['PATCH', '/sources/s2', { name: 'Spare', settings: {} }]]);
});

test.each([
  [409, { code: 'name_taken', message: 'another source has this name' }, 'name'],
  [422, { code: 'invalid_field', message: 'wrong', details: { field: 'name' } }, 'name'],
  [
    422,
    { code: 'invalid_field', message: 'wrong', details: { field: 'settings.base_url' } },
    'address',
  ],
] as const)('a %i is shown at its field, and nothing typed is lost', async (status, error, at) => {
  open({ 'POST /api/v1/sources': rejects(status, error) });
  const fields = await openEditor();
  await userEvent.type(fields.name, 'Sky');
  await userEvent.type(fields.address, 'http://sky');
  await press('Save source');
  await waitFor(() => expect(document.activeElement).toBe(fields[at]));
  expect(fields[at].getAttribute('aria-invalid')).toBe('true');
  screen.getByText(`${error.message[0]!.toUpperCase()}${error.message.slice(1)}.`);
  expect([fields.name.value, fields.address.value]).toEqual(['Sky', 'http://sky']);
  await userEvent.type(fields[at], '2');
  expect(fields[at].getAttribute('aria-invalid')).toBeNull();
});

test('the limit on sources is shown in the form, which stays open', async () => {
  const error = { code: 'too_large', message: 'at most 100 sources are allowed' };
  open({ 'POST /api/v1/sources': rejects(413, error) });
  const { name } = await openEditor();
  await userEvent.type(name, 'Sky');
  await press('Save source');
  expect((await screen.findByRole('alert')).textContent).toBe(
    'The source could not be saved. At most 100 sources are allowed.',
  );
  expect(name.value).toBe('Sky');
});

test('a source without a name is not sent', async () => {
  const requests = open();
  await openEditor();
  await press('Save source');
  screen.getByText('Enter a name.');
  expect(changesIn(requests)).toEqual([]);
});
