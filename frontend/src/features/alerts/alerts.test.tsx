import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import type { Alert } from '@/api/wire';
import { AlertsPanel } from '@/features/alerts/components/alerts-panel';
import { actOnEach } from '@/features/alerts/model/act-on-each';
import { groupAlerts, holdGroup } from '@/features/alerts/model/group-alerts';
import { asResolved, holdRows } from '@/features/alerts/model/hold-rows';
import { mergeAlerts } from '@/features/alerts/model/merge-alerts';
import { answerFetch, renderWithQueries } from '@/testing/render';
import { NOON, sampleAlert } from '@/testing/samples';

const later = new Date(NOON + 5_000).toISOString();

test('the version with the higher revision wins, whichever way it arrived', () => {
  const seen = sampleAlert({ revision: 1, acknowledged_at: later });
  const undone = sampleAlert({ revision: 2 });
  expect(mergeAlerts([seen], [undone])).toEqual([undone]);
  expect(mergeAlerts([undone], [seen])).toEqual([undone]);
  expect(mergeAlerts([sampleAlert()], [seen])).toEqual([seen]);
});

test('held rows stay in place: one that left the list is kept, and a new one is appended', () => {
  const [a, b] = [sampleAlert({ id: 'a' }), sampleAlert({ id: 'b' })];
  const seen = sampleAlert({ id: 'a', revision: 1, acknowledged_at: later });
  const fresh = sampleAlert({ id: 'c' });
  const rows = holdRows([a, b], [fresh, seen], { whenGone: asResolved });
  expect(rows.map(({ id, state }) => `${id} ${state}`)).toEqual(['a open', 'b resolved', 'c open']);
  expect(rows[0]).toBe(seen);
  // A list that is cut may leave out alerts that are still open.
  expect(holdRows([a, b], [fresh, seen])[1]).toBe(b);
});

test('an action on several items reports how many failed, after acting on all of them', async () => {
  const done: number[] = [];
  const act = async (n: number) => {
    if (n === 2) throw new Error('the server is busy');
    done.push(n);
  };
  await expect(actOnEach([1, 2, 3], act)).rejects.toThrow('1 of 3 failed: the server is busy');
  expect(done).toEqual([1, 3]);
  await expect(actOnEach([2], act)).rejects.toThrow(/^the server is busy$/);
});

test('open alerts come before resolved ones, and newer before older', () => {
  const old = sampleAlert({ id: 'old', opened_at: '2026-01-01T00:00:00Z' });
  const done = sampleAlert({ id: 'done', state: 'resolved', opened_at: later });
  const fresh = sampleAlert({ id: 'fresh' });
  expect(mergeAlerts([old, done, fresh], []).map(({ id }) => id)).toEqual(['fresh', 'old', 'done']);
});

test('without alerts, the panel says so', async () => {
  answerFetch({ '/api/v1/alerts': () => ({ items: [], next_cursor: null }) });
  renderWithQueries(<AlertsPanel pushed={[]} />);
  expect(await screen.findByText(/No open alerts/)).toBeTruthy();
});

test('a pushed alert is shown even if the list cannot be loaded', async () => {
  answerFetch({});
  renderWithQueries(<AlertsPanel pushed={[sampleAlert()]} />);
  expect(screen.getByText('Most posts about Mayweather are negative')).toBeTruthy();
  expect((await screen.findByRole('alert')).textContent).toContain('no such call');
});

test('an alert is marked as acknowledged once the server confirms', async () => {
  let acknowledged_at: string | null = null;
  const requests = answerFetch({
    '/api/v1/alerts': () => ({ items: [sampleAlert({ acknowledged_at })] }),
    '/api/v1/alerts/alert-1/acknowledge': () => {
      acknowledged_at = later;
      return sampleAlert({ acknowledged_at });
    },
  });
  renderWithQueries(<AlertsPanel pushed={[]} />);
  await userEvent.click(await screen.findByRole('button', { name: /^Acknowledge/ }));
  expect(await screen.findByText('acknowledged')).toBeTruthy();
  expect(requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
});

test('a failed acknowledgement is not shown as done', async () => {
  answerFetch({ '/api/v1/alerts': () => ({ items: [sampleAlert()] }) });
  renderWithQueries(<AlertsPanel pushed={[]} />);
  await userEvent.click(await screen.findByRole('button', { name: /^Acknowledge/ }));
  await waitFor(() =>
    expect(screen.getByRole('alert').textContent).toContain('not be acknowledged'),
  );
  expect(screen.queryByText('acknowledged')).toBeNull();
});

test('a long list of open alerts says that there are more', async () => {
  const items = Array.from({ length: 200 }, (_, i) => sampleAlert({ id: `alert-${i}` }));
  answerFetch({
    '/api/v1/alerts': (url) =>
      url.searchParams.get('state') === 'open'
        ? { items, next_cursor: 'more' }
        : { items: [sampleAlert({ id: 'done', state: 'resolved' })], next_cursor: null },
  });
  renderWithQueries(<AlertsPanel pushed={[]} />);
  expect(await screen.findByText('200+ open')).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: '50 × negative share: Mayweather' }));
  const group = screen.getByRole('list', { name: '50 × negative share: Mayweather' });
  expect(within(group).getAllByRole('listitem')).toHaveLength(50);
});

test('alerts of one rule are one row that unfolds and can be acknowledged together', async () => {
  const about = (key: string, changes: Partial<Alert> = {}) =>
    sampleAlert({
      ...{ id: key, rule_id: 'r1', rule_name: 'Churn watch', rule: 'churn' as const },
      ...{ scope: { dimension: 'product', key }, title: `Customers leave ${key}`, ...changes },
    });
  const items = [
    about('A', { acknowledged_at: later }),
    about('B'),
    about('C', { severity: 'critical' }),
    sampleAlert({ id: 'other' }),
  ];
  const requests = answerFetch({ '/api/v1/alerts': () => ({ items, next_cursor: null }) });
  renderWithQueries(<AlertsPanel pushed={[]} />);
  const title = '3 × Churn watch: A, B and 1 more';
  const group = await screen.findByRole('button', { name: title });
  expect(group.getAttribute('aria-expanded')).toBe('false');
  expect(screen.getByText('critical')).toBeTruthy();
  expect(screen.getByText('2 to acknowledge')).toBeTruthy();
  expect(screen.queryByText('Customers leave B')).toBeNull();
  await userEvent.click(screen.getByRole('button', { name: `Acknowledge all: ${title}` }));
  const posted = requests.filter(({ method }) => method === 'POST');
  expect(posted.map(({ url }) => url.pathname.split('/')[4]).toSorted()).toEqual(['B', 'C']);
  await userEvent.click(group);
  expect(screen.getByText('Customers leave B')).toBeTruthy();
});

test('a group under the pointer does not fold when an alert joins it', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((id) => sampleAlert({ id }));
  const [held] = groupAlerts([a!, b!]);
  const [current] = groupAlerts([c!, a!, b!]);
  expect(current!.isFolded).toBe(true);
  const shown = holdGroup(held!, current!);
  expect(shown.isFolded).toBe(false);
  expect(shown.alerts.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
});

test('while the open alerts load, and if they cannot be loaded, nobody says that none are open', async () => {
  answerFetch({});
  renderWithQueries(<AlertsPanel pushed={[]} />);
  expect(screen.queryByText('none open')).toBeNull();
  await screen.findByRole('alert');
  expect(screen.queryByText('none open')).toBeNull();
  expect(screen.queryByText(/No open alerts/)).toBeNull();
});

test.each([
  [
    { metric: 'volume', rule: 'spike', value: 480, threshold: 120 },
    '480 posts, threshold 120 posts',
  ],
  [{ metric: 'toxicity', rule: 'threshold', value: 0.42, threshold: 0.3 }, '42%, threshold 30%'],
] as const)('an alert of %j shows its value in its own unit', (changes, text) => {
  answerFetch({});
  renderWithQueries(<AlertsPanel pushed={[sampleAlert(changes)]} />);
  expect(screen.getByText(text)).toBeTruthy();
  const link = screen.getByRole('link', { name: 'Most posts about Mayweather are negative' });
  expect(link.getAttribute('href')).toBe('/alerts?alert=alert-1');
});
