import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import {
  describeSilence,
  NEW_SILENCE,
  readSilence,
  silencesOf,
  stateOf,
  type SilenceDraft,
} from '@/features/alerts/silences/draft';
import { at, openPage } from '@/features/alerts/testing';
import { localZone, toWallClock } from '@/lib/zone';
import { NOON, sampleAlert } from '@/testing/samples';

test('a silence contains only the chosen conditions, and the server decides when “now” is', () => {
  const draft = { ...NEW_SILENCE, dimension: 'product', key: ' McGregor ', seconds: 1_800 };
  expect(readSilence(draft, NOON)).toEqual({
    value: { dimension: 'product', key: 'McGregor', ends_at: at(1_800_000), comment: '' },
    problems: {},
  });
});

test('a silence for planned work lasts the chosen duration from its start', () => {
  const startsAt = toWallClock(NOON + 3_600_000, localZone());
  const draft = { ...NEW_SILENCE, severity: 'info', startsAt, seconds: 1_800 };
  const { value, problems } = readSilence(draft, NOON);
  expect(problems).toEqual({});
  expect(Date.parse(value.starts_at ?? '')).toBe(NOON + 3_600_000);
  expect(value.ends_at).toBe(at(5_400_000));
});

test.each<[string, Partial<SilenceDraft>, string]>([
  ['a blank product', { dimension: 'product', key: ' ' }, 'key'],
  ['no condition at all', {}, 'everything'],
  ['no duration', { severity: 'info', seconds: Number.NaN }, 'ends_at'],
  ['a start without a time', { severity: 'info', startsAt: '' }, 'starts_at'],
  ['a start in the past', { severity: 'info', startsAt: '2020-01-01T10:00' }, 'starts_at'],
])('a silence with %s is rejected', (_, changes, field) => {
  expect(Object.keys(readSilence({ ...NEW_SILENCE, ...changes }, NOON).problems)).toEqual([field]);
});

test('a silence of every product or of every alert has to be meant', () => {
  const every = { ...NEW_SILENCE, dimension: 'product', key: 'left over', isEveryKey: true };
  expect(readSilence(every, NOON).problems).toEqual({});
  expect(readSilence(every, NOON).value).not.toHaveProperty('key');
  const all = readSilence({ ...NEW_SILENCE, isEverything: true }, NOON);
  expect(all.problems).toEqual({});
  expect(all.value.everything).toBe(true);
  // The tick is forgotten with the first condition.
  const some = readSilence({ ...NEW_SILENCE, severity: 'info', isEverything: true }, NOON);
  expect(some.value).not.toHaveProperty('everything');
});

test('alerts of one rule and scope share a silence', () => {
  const alert = sampleAlert({ rule_id: 'r1' });
  const overall = sampleAlert({ rule_id: 'r1', scope: { dimension: 'overall', key: '' } });
  const silences = silencesOf([alert, { ...alert, id: 'alert-2' }, overall], 60, NOON);
  expect(silences.map(({ dimension, key }) => [dimension, key])).toEqual([
    ['product', 'Mayweather'],
    ['overall', undefined],
  ]);
});

test.each([
  [{}, 'All alerts'],
  [{ severity: 'info' }, 'All info alerts'],
  [{ dimension: 'overall' }, 'alerts with the scope “All posts”'],
  [{ dimension: 'city' }, 'alerts for every city'],
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

test('a silence that starts now is active, even if the browser’s clock is slow', () => {
  const now = at(60_000);
  const silence = { id: 's', comment: '', created_at: now, starts_at: now, ends_at: at(120_000) };
  expect(stateOf(silence, NOON)).toBe('active');
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
  const requests = openPage(
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
