import { expect, test } from 'vitest';
import { describeEvidence } from '@/features/alerts/components/evidence-chart';
import { describeMoment, describeValue } from '@/features/alerts/model/describe-alert';
import { exploreSearch } from '@/features/alerts/model/explore-search';
import { parsePlace, placeToSearch } from '@/features/alerts/model/place';
import { at } from '@/features/alerts/testing';
import { sampleAlert } from '@/testing/samples';

const PEAK = { at: at(0), value: 0.81, count: 36 };

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
    { rule: 'churn', metric: 'churn_high', value: 5, threshold: 2, count: 5 },
    '5 posts with high churn risk, threshold 2 posts',
  ],
  [{ metric: 'negative_share', measured: { peak: PEAK } }, '61% now, peak 81%, threshold 50%'],
  [
    { metric: 'negative_share', state: 'resolved', measured: { peak: PEAK } },
    '61% at the end, peak 81%, threshold 50%',
  ],
  [
    { metric: 'negative_share', measured: { peak: { ...PEAK, value: 0.61 } } },
    '61%, threshold 50%',
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
