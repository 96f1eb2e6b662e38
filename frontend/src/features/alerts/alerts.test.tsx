import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import { AlertsPanel } from '@/features/alerts/components/alerts-panel';
import { mergeAlerts } from '@/features/alerts/model/merge-alerts';
import { answerFetch, renderWithQueries } from '@/testing/render';
import { NOON, sampleAlert } from '@/testing/samples';

const later = new Date(NOON + 5_000).toISOString();

test('the later of two versions of an alert wins, whichever way it arrived', () => {
  const resolved = sampleAlert({ state: 'resolved', updated_at: later });
  expect(mergeAlerts([sampleAlert()], [resolved])).toEqual([resolved]);
  expect(mergeAlerts([resolved], [sampleAlert()])).toEqual([resolved]);
});

test('an earlier frame does not undo an acknowledgement', () => {
  const seen = sampleAlert({ acknowledged_at: later });
  expect(mergeAlerts([seen], [sampleAlert()])).toEqual([seen]);
});

test('an alert that lost posts to corrections keeps the smaller count, whichever way it arrived', () => {
  const [before, after] = [sampleAlert({ count: 50 }), sampleAlert({ count: 10 })];
  expect(mergeAlerts([before], [after])).toEqual([after]);
  expect(mergeAlerts([after], [before])).toEqual([after]);
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
  expect(screen.getAllByRole('listitem')).toHaveLength(50);
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
