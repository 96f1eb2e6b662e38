import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import { useState } from 'react';
import { ExploreView } from '@/features/explore/components/explore-view';
import { parseQuery, queryToSearch, type ExploreQuery } from '@/features/explore/model/query';
import { fromQueryString } from '@/lib/api-client';
import { answerFetch, renderWithQueries } from '@/testing/render';
import { NOON, samplePost, sampleTally } from '@/testing/samples';

const at = (hours: number) => new Date(NOON + hours * 3_600_000).toISOString();
const range = { from: at(-2), to: at(0), seconds: 7_200 };

const series = {
  range,
  tz: 'UTC',
  step: 'hour',
  answered_from: 'rollups',
  items: [-2, -1].map((hour) => ({
    from: at(hour),
    to: at(hour + 1),
    ...{ seconds: 3_600, complete: true },
    ...sampleTally({ count: 50 }),
  })),
  previous: [-4, -3].map((hour) => ({
    from: at(hour),
    to: at(hour + 1),
    ...{ seconds: 3_600, complete: true },
    ...sampleTally({ count: 25 }),
  })),
};

const breakdown = (url: URL) => ({
  range,
  by: url.searchParams.get('by'),
  answered_from: 'rollups',
  items: [
    { key: 'McGregor', count: 15, share: 0.75, previous_count: 10, sentiment: { average: 0.2 } },
    { key: '', count: 5, share: 0.25, previous_count: 0, sentiment: { average: null } },
  ],
});

const answers = {
  '/api/v1/explore/series': () => series,
  '/api/v1/explore/breakdown': breakdown,
  '/api/v1/posts': () => ({ items: [samplePost(1)], next_cursor: null }),
};

/** The queries of the visited pages; the last one is current. */
let visited: ExploreQuery[] = [];

function Page({ search }: { search: Record<string, unknown> }) {
  const [query, setQuery] = useState(() => parseQuery(search));
  return (
    <ExploreView
      query={query}
      onChange={(next) => {
        visited.push(next);
        setQuery(next);
      }}
      onOpenView={(saved) => setQuery(parseQuery(fromQueryString(saved)))}
      renderScores={() => null}
    />
  );
}

function open(extra: Parameters<typeof answerFetch>[0] = {}, search = {}) {
  visited = [];
  const requests = answerFetch({ ...answers, ...extra });
  renderWithQueries(<Page search={search} />);
  return requests;
}

test('the page compares the volume with the previous period', async () => {
  open();
  const chart = await screen.findByRole('img', { name: /^Volume and sentiment: 100 posts/ });
  expect(chart.getAttribute('aria-label')).toContain('50 in the previous period');
  const posts = within(screen.getByLabelText('Headline numbers')).getByText('was 50').parentElement;
  expect(posts?.textContent).toMatch(/^Posts100▲×2\.0 compared.*was 50$/);
});

test('a row of the breakdown filters everything, including unattributed posts', async () => {
  const requests = open();
  const rows = await screen.findByRole('list', { name: 'Posts by product' });
  await userEvent.click(await within(rows).findByRole('button', { name: /Unattributed/ }));
  expect(queryToSearch(visited.at(-1)!)).toEqual({ product: '' });
  await userEvent.click(within(rows).getByRole('button', { name: /McGregor/ }));
  expect(queryToSearch(visited.at(-1)!)).toEqual({ product: 'McGregor' });
  await waitFor(() => {
    const narrowed = requests.filter(({ url }) => url.searchParams.get('product') === 'McGregor');
    const filtered = ['/api/v1/explore/series', '/api/v1/posts'];
    expect(new Set(narrowed.map(({ url }) => url.pathname))).toEqual(new Set(filtered));
  });
});

test('the filtered dimension is broken down as if it were not filtered', async () => {
  const requests = open({}, { product: 'McGregor', city: 'Lagos' });
  const rows = await screen.findByRole('list', { name: 'Posts by product' });
  const row = await within(rows).findByRole('button', { name: /McGregor/, pressed: true });
  const asked = requests.find(({ url }) => url.pathname === '/api/v1/explore/breakdown');
  expect(asked?.url.searchParams.has('product')).toBe(false);
  expect(asked?.url.searchParams.get('city')).toBe('Lagos');
  await userEvent.click(row);
  expect(queryToSearch(visited.at(-1)!)).toEqual({ city: 'Lagos' });
});

test('a step of the series narrows the period, also from the keyboard', async () => {
  open();
  await userEvent.click(
    await screen.findByRole('button', { name: 'Volume and sentiment as a table' }),
  );
  await userEvent.click(screen.getByRole('button', { name: '10:00' }));
  expect(visited.at(-1)).toMatchObject({ from: at(-2), to: at(-1) });
});

test('a search filters the page on Enter', async () => {
  open();
  const box = screen.getByRole('searchbox');
  await userEvent.type(box, 'refund{Enter}');
  expect(visited).toHaveLength(1);
  expect(visited[0]?.filters.q).toEqual(['refund']);
});

test('a custom period that ends before it starts shows an error beside its field', async () => {
  open();
  await userEvent.click(await screen.findByRole('button', { name: 'Custom period' }));
  const [from, to] = [screen.getByLabelText('From'), screen.getByLabelText('To')];
  await userEvent.clear(from);
  await userEvent.type(from, '2026-01-02T10:00');
  await userEvent.clear(to);
  await userEvent.type(to, '2026-01-02T09:00');
  await userEvent.click(screen.getByRole('button', { name: 'Apply' }));
  expect(screen.getByText('The end must be after the start.')).toBeTruthy();
  expect(to.getAttribute('aria-invalid')).toBe('true');
  expect(visited).toHaveLength(0);
});

test('figures that cannot be loaded show the cause and a retry button', async () => {
  let isAway = true;
  const busy = { error: { code: 'busy', message: 'too many questions at once' } };
  open({
    '/api/v1/explore/series': () =>
      isAway ? new Response(JSON.stringify(busy), { status: 503 }) : series,
  });
  const alert = await screen.findByRole('alert');
  expect(alert.textContent).toContain('Too many questions at once. This is usually temporary.');
  isAway = false;
  await userEvent.click(within(alert).getByRole('button', { name: 'Try again' }));
  expect(await screen.findByRole('img', { name: /^Volume and sentiment/ })).toBeTruthy();
});

const details = { ...samplePost(1), corrected_at: null, history: [] };

test('a corrected label is shown before the server responds', async () => {
  let release: (answer: object) => void = () => undefined;
  let kept: string | null = null;
  const requests = open(
    {
      '/api/v1/posts/post-1': () => ({ ...details, corrected_label: kept }),
      'PUT /api/v1/posts/post-1/label': () => {
        kept = 'negative';
        return new Promise<object>((resolve) => (release = resolve));
      },
    },
    { post: 'post-1' },
  );
  const sheet = await screen.findByRole('dialog', { name: 'Post' });
  await userEvent.click(await within(sheet).findByRole('button', { name: /Negative/ }));
  const says = /Set to negative by a person; swift 1 predicted positive/;
  expect(await within(sheet).findByText(says)).toBeTruthy();
  expect(requests.find(({ method }) => method === 'PUT')?.body).toEqual({ label: 'negative' });
  release({});
  await userEvent.keyboard('{Escape}');
  expect(await screen.findByText('corrected by a person: negative, was positive')).toBeTruthy();
});

test('a correction that the server rejects is rolled back everywhere', async () => {
  open({ '/api/v1/posts/post-1': () => details }, { post: 'post-1' });
  const sheet = await screen.findByRole('dialog', { name: 'Post' });
  await userEvent.click(await within(sheet).findByRole('button', { name: /Negative/ }));
  expect(await within(sheet).findByText('The label could not be saved.')).toBeTruthy();
  await waitFor(() => expect(within(sheet).getByText(/^swift 1 predicted positive/)).toBeTruthy());
  await userEvent.keyboard('{Escape}');
  expect(screen.queryByText(/by a person/)).toBeNull();
});

test('the export uses the filters of the page', async () => {
  open({}, { city: 'Lagos', q: 'refund', order: 'rising' });
  await userEvent.click(await screen.findByRole('button', { name: /^Export$/ }));
  const link = screen.getByRole('link', { name: 'Posts as CSV' });
  const url = new URL(link.getAttribute('href')!, 'http://test');
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    city: 'Lagos',
    q: 'refund',
    format: 'csv',
  });
  expect(url.searchParams.has('order')).toBe(false);
});

test('a view is saved and opened again', async () => {
  const kept: object[] = [];
  open(
    {
      '/api/v1/views': () => ({ items: kept }),
      'POST /api/v1/views': (_, body) => {
        kept.push({ id: 'v1', ...(body as object) });
        return kept[0];
      },
    },
    { city: 'Lagos' },
  );
  await userEvent.click(await screen.findByRole('button', { name: 'Saved views' }));
  await userEvent.click(screen.getByRole('button', { name: 'Save' }));
  expect(screen.getByText('Enter a name.')).toBeTruthy();
  await userEvent.type(screen.getByLabelText('Save this view as'), 'Lagos today');
  await userEvent.click(screen.getByRole('button', { name: 'Save' }));
  expect(await screen.findByRole('button', { name: 'Lagos today' })).toBeTruthy();
  expect(kept).toEqual([{ id: 'v1', name: 'Lagos today', page: 'explore', query: 'city=Lagos' }]);
});

test('a duplicate view name shows an error beside its field', async () => {
  const taken = { error: { code: 'conflict', message: 'a view has this name already' } };
  open({
    '/api/v1/views': () => ({ items: [] }),
    'POST /api/v1/views': () => new Response(JSON.stringify(taken), { status: 409 }),
  });
  await userEvent.click(await screen.findByRole('button', { name: 'Saved views' }));
  await userEvent.type(screen.getByLabelText('Save this view as'), 'Today{Enter}');
  expect(await screen.findByText('A view has this name already.')).toBeTruthy();
});

test('an estimate says so', async () => {
  const sample = { share: 1 / 12, posts: 600, error: 0.039 };
  open({
    '/api/v1/explore/series': () => ({ ...series, answered_from: 'posts', sample }),
    '/api/v1/explore/breakdown': (url: URL) => ({ ...breakdown(url), sample }),
  });
  await waitFor(() =>
    expect(screen.getAllByText(/estimated from 1 in 12 posts, ±4%/)).toHaveLength(2),
  );
  expect(screen.getByText('≈ 100')).toBeTruthy();
});

test('a filter takes several values and excludes others, from the keyboard alone', async () => {
  const requests = open();
  const button = await screen.findByRole('button', { name: 'Product: all' });
  button.focus();
  await userEvent.keyboard('{Enter}');
  const menu = await screen.findByRole('dialog', { name: /^Product: / });
  const box = await within(menu).findByRole('checkbox', { name: /McGregor/ });
  box.focus();
  await userEvent.keyboard(' ');
  await userEvent.click(within(menu).getByRole('checkbox', { name: /Unattributed/ }));
  expect(queryToSearch(visited.at(-1)!)).toEqual({ product: ['McGregor', ''] });

  within(menu).getByRole('radio', { name: 'is not' }).focus();
  await userEvent.keyboard(' ');
  await userEvent.type(within(menu).getByRole('searchbox'), 'Mayweather{Enter}');
  await userEvent.keyboard('{Escape}');
  const all = { product: ['McGregor', ''], product_not: 'Mayweather' };
  expect(queryToSearch(visited.at(-1)!)).toEqual(all);
  await waitFor(() => {
    const asked = requests.filter(({ url }) => url.pathname === '/api/v1/posts').at(-1)!;
    expect(asked.url.searchParams.getAll('product')).toEqual(['McGregor', '']);
    expect(asked.url.searchParams.getAll('product_not')).toEqual(['Mayweather']);
  });

  await userEvent.click(screen.getByRole('button', { name: 'Remove filter Product: McGregor' }));
  const rest = { product: '', product_not: 'Mayweather' };
  expect(queryToSearch(visited.at(-1)!)).toEqual(rest);
  await userEvent.click(screen.getByRole('button', { name: 'Clear filters' }));
  expect(queryToSearch(visited.at(-1)!)).toEqual({});
});
