import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { expect, test } from 'vitest';
import { AlertsView } from '@/features/alerts/components/alerts-view';
import { describeEvidence } from '@/features/alerts/components/evidence-chart';
import { describeMoment, describeValue } from '@/features/alerts/model/describe-alert';
import { exploreSearch } from '@/features/alerts/model/explore-search';
import { parsePlace, placeToSearch, type AlertsPlace } from '@/features/alerts/model/place';
import {
  describeSilence,
  NEW_SILENCE,
  readSilence,
  stateOf,
} from '@/features/alerts/silences/draft';
import { answerFetch, renderWithQueries } from '@/testing/render';
import { NOON, sampleAlert } from '@/testing/samples';

const at = (ms: number) => new Date(NOON + ms).toISOString();

test('search parameters round-trip, and invalid ones are dropped', () => {
  const search = { tab: 'history', state: 'resolved', rule: 'churn', alert: 'a1' };
  expect(placeToSearch(parsePlace(search))).toEqual(search);
  expect(placeToSearch(parsePlace({ tab: 'open', state: 'odd', rule: 4 }))).toEqual({});
});

test('an alert links to the posts of its scope, from before it opened until after it resolved', () => {
  const alert = sampleAlert({ opened_at: at(0), resolved_at: at(600_000) });
  expect(exploreSearch(alert, { q: 'refund' })).toEqual({
    from: '2026-01-02T11:30:00.000Z',
    to: '2026-01-02T12:15:00.000Z',
    product: 'Mayweather',
    q: 'refund',
  });
  const overall = sampleAlert({ scope: { dimension: 'overall', key: '' } });
  expect(exploreSearch(overall)).not.toHaveProperty('overall');
});

test.each([
  [{ metric: 'negative_share' }, '61%, threshold 50%'],
  [{ metric: null }, '61%, threshold 50%'],
  [{ metric: 'volume', value: 480, threshold: 120 }, '480 posts, threshold 120 posts'],
  [
    { rule: 'churn', metric: 'churn_high', value: 0.93, threshold: 0.8 },
    'risk 0.93, threshold 0.80',
  ],
] as const)('the value of %j reads %s', (changes, text) => {
  expect(describeValue(sampleAlert(changes))).toBe(text);
});

test('an unknown history entry is shown under its own name', () => {
  expect(describeMoment({ at: at(0), action: 'acknowledged', value: 0 })).toBe('Acknowledged');
  expect(describeMoment({ at: at(0), action: 'rerouted', value: 0 })).toBe('Rerouted');
});

test('evidence is described in a sentence', () => {
  const point = { at: at(0), baseline: 10, low: 5, high: 15 };
  const series = [
    { ...point, value: 12 },
    { ...point, value: 40 },
  ];
  const drawn = { series, metric: 'volume', band: 'usual' } as const;
  expect(describeEvidence(drawn)).toBe(
    'Evidence: 1 of 2 steps outside the expected range; latest 40 posts, expected 5 posts to 15 posts',
  );
  expect(describeEvidence({ ...drawn, band: 'rule' })).toBe(
    'Evidence: 1 of 2 steps outside the range allowed by the rule; latest 40 posts, allowed 5 posts to 15 posts',
  );
  expect(describeEvidence({ ...drawn, series: [] })).toBe('Evidence: none stored');
});

test('a silence starts when it is submitted and contains only the chosen conditions', () => {
  const draft = { ...NEW_SILENCE, dimension: 'product', key: ' McGregor ', seconds: 1_800 };
  expect(readSilence(draft, NOON)).toEqual({
    dimension: 'product',
    key: 'McGregor',
    starts_at: at(0),
    ends_at: at(1_800_000),
    comment: '',
  });
});

test.each([
  [{}, 'All alerts'],
  [{ severity: 'info' }, 'All info alerts'],
  [{ dimension: 'overall' }, 'alerts with overall scope'],
  [{ dimension: 'city' }, 'alerts for any city'],
  [{ dimension: 'city', key: 'Lagos' }, 'alerts for city Lagos'],
  [{ rule_id: 'gone' }, 'alerts from a deleted rule'],
] as const)('the silence %j reads %s', (what, text) => {
  const silence = { starts_at: at(0), ends_at: at(1), comment: '', ...what };
  expect(describeSilence(silence, [])).toBe(text);
});

test('a silence is upcoming, then active, then expired', () => {
  const silence = { id: 's', comment: '', created_at: at(0), starts_at: at(10), ends_at: at(20) };
  expect([5, 10, 20].map((ms) => stateOf(silence, NOON + ms))).toEqual([
    'upcoming',
    'active',
    'expired',
  ]);
});

function Page({ search }: { search: Record<string, string> }) {
  const [place, setPlace] = useState<AlertsPlace>(() => parsePlace(search));
  return <AlertsView place={place} onChange={setPlace} pushed={[]} />;
}

function open(search = {}, extra: Parameters<typeof answerFetch>[0] = {}) {
  const requests = answerFetch({
    '/api/v1/alerts': () => ({ items: [sampleAlert()], next_cursor: null }),
    ...extra,
  });
  renderWithQueries(<Page search={search} />);
  return requests;
}

test('an alert is acknowledged from its card', async () => {
  let acknowledged_at: string | null = null;
  open(
    {},
    {
      '/api/v1/alerts': () => ({ items: [sampleAlert({ acknowledged_at })] }),
      'POST /api/v1/alerts/alert-1/acknowledge': () => {
        acknowledged_at = at(0);
        return sampleAlert({ acknowledged_at });
      },
    },
  );
  await userEvent.click(await screen.findByRole('button', { name: /^Acknowledge:/ }));
  expect(await screen.findByText('acknowledged')).toBeTruthy();
  expect(screen.queryByRole('button', { name: /^Acknowledge:/ })).toBeNull();
});

test('an alert is silenced from its card, by its rule and product', async () => {
  const requests = open(
    {},
    {
      '/api/v1/alerts': () => ({ items: [sampleAlert({ rule_id: 'r1' })] }),
      'POST /api/v1/silences': () => ({ id: 's1' }),
    },
  );
  await userEvent.click(await screen.findByRole('button', { name: /^Silence:/ }));
  await userEvent.click(screen.getByRole('button', { name: '2 h' }));
  await waitFor(() => {
    const sent = requests.find(({ method }) => method === 'POST')?.body as Record<string, string>;
    expect(sent).toMatchObject({ rule_id: 'r1', dimension: 'product', key: 'Mayweather' });
    const ms = Date.parse(sent['ends_at'] ?? '') - Date.parse(sent['starts_at'] ?? '');
    expect(ms).toBe(7_200_000);
  });
});

test('an alert shows its evidence, terms, posts and history, with links to Explore', async () => {
  const post = {
    uuid: 'p1',
    text: 'charged twice',
    platform: 'web',
    source: 'http',
    churn_risk: 0.9,
  };
  const point = { at: at(0), value: 40, baseline: 10, low: 5, high: 15 };
  open(
    {},
    {
      '/api/v1/alerts/alert-1': () => ({
        ...sampleAlert({ posts: [post], metric: 'volume' }),
        evidence: { series: [point], terms: [{ term: 'refund', count: 41, expected: 3.2 }] },
        history: [{ at: at(0), phase: 'firing', value: 40 }],
      }),
    },
  );
  await userEvent.click(await screen.findByRole('button', { name: sampleAlert().title }));
  const sheet = await screen.findByRole('dialog', { name: sampleAlert().title });
  expect(await within(sheet).findByRole('img', { name: /^Evidence: 1 of 1 steps/ })).toBeTruthy();
  const term = within(sheet).getByRole('link', { name: 'refund' });
  expect(term.getAttribute('href')).toContain('product=Mayweather&q=refund');
  const opened = within(sheet).getByRole('link', { name: 'View post' });
  expect(opened.getAttribute('href')).toContain('post=p1');
  expect(within(sheet).getByText('Fired')).toBeTruthy();
  await userEvent.keyboard('{Escape}');
  expect(screen.queryByRole('dialog')).toBeNull();
});

test('the history is requested by state and type', async () => {
  const requests = open({ tab: 'history', state: 'resolved', rule: 'churn' });
  await screen.findByRole('list', { name: 'Alerts, newest first' });
  await waitFor(() => {
    const asked = requests.map(({ url }) => url.search);
    expect(asked).toContain('?state=resolved&rule=churn&limit=25');
  });
});

test('the page says that no alerts are open', async () => {
  open({}, { '/api/v1/alerts': () => ({ items: [] }) });
  expect(await screen.findByText('No open alerts')).toBeTruthy();
});

test('alerts that cannot be loaded show an error, not an empty list', async () => {
  const busy = { error: { code: 'unavailable', message: 'PostgreSQL is not reachable' } };
  open({}, { '/api/v1/alerts': () => new Response(JSON.stringify(busy), { status: 503 }) });
  expect((await screen.findByRole('alert')).textContent).toContain('PostgreSQL is not reachable');
  expect(screen.queryByText('No open alerts')).toBeNull();
});

test('an active silence can be ended, an expired one cannot', async () => {
  const now = Date.now();
  const silence = (id: string, endsInMs: number) => ({
    id,
    starts_at: new Date(now - 7_200_000).toISOString(),
    ends_at: new Date(now + endsInMs).toISOString(),
    comment: id,
    created_at: at(0),
  });
  const requests = open(
    { tab: 'silences' },
    {
      '/api/v1/silences': () => ({ items: [silence('past', -1), silence('present', 3_600_000)] }),
      '/api/v1/alert-rules': () => ({ items: [] }),
      'DELETE /api/v1/silences/present': () => ({}),
    },
  );
  const list = await screen.findByRole('list', { name: 'Silences' });
  await userEvent.click(await within(list).findByRole('button', { name: 'End now' }));
  await waitFor(() =>
    expect(requests.some(({ url }) => url.pathname.endsWith('/present'))).toBe(true),
  );
});

test('the signal settings are saved, and an invalid volume is rejected', async () => {
  const requests = open(
    { tab: 'signals' },
    { '/api/v1/signal-settings': (_, body) => body ?? { sensitivity: 'low', minimum_volume: 30 } },
  );
  await userEvent.click(await screen.findByRole('radio', { name: /^High/ }));
  const volume = screen.getByLabelText('Minimum posts');
  await userEvent.clear(volume);
  await userEvent.click(screen.getByRole('button', { name: 'Save' }));
  expect(volume.getAttribute('aria-invalid')).toBe('true');
  await userEvent.type(volume, '50');
  await userEvent.click(screen.getByRole('button', { name: 'Save' }));
  expect(await screen.findByText('Saved.')).toBeTruthy();
  expect(requests.find(({ method }) => method === 'PUT')?.body).toEqual({
    sensitivity: 'high',
    minimum_volume: 50,
  });
});
