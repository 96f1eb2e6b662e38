import { expect, test } from 'vitest';
import type { Alert } from '@/api/wire';
import { leadOf } from '@/features/metrics/model/lead';
import { formatMinute } from '@/lib/time';
import { noPosts, sampleAlert, sampleTally } from '@/testing/samples';

const averaging = (average: number, count = 100) =>
  sampleTally({ count, sentiment: { average, positive: 50, neutral: 30, negative: 20 } });

function leadFor(alerts: readonly Alert[], changes: Partial<Parameters<typeof leadOf>[0]> = {}) {
  const span = 'last 60 seconds';
  return leadOf({
    overall: averaging(0.1),
    previous: null,
    span,
    alerts,
    areAllKnown: true,
    ...changes,
  });
}

test.each([
  [averaging(0.1), averaging(0.08), 'Sentiment +0.10, steady'],
  [averaging(0.1), averaging(-0.02), 'Sentiment +0.10, up from −0.02'],
  [averaging(-0.3), averaging(0.1), 'Sentiment −0.30, down from +0.10'],
  [averaging(0.1), null, 'Sentiment +0.10'],
  [averaging(0.1), averaging(-0.5, 5), 'Sentiment +0.10'],
  [
    averaging(0.1, 12),
    averaging(-0.5),
    'Sentiment +0.10, from only 12 posts in the last 60 seconds',
  ],
  [noPosts, averaging(0.1), 'No posts in the last 60 seconds'],
])(
  'case %#: the sentiment is described by its change, unless it is noise',
  (overall, previous, text) => {
    expect(leadFor([], { overall, previous }).sentiment).toBe(text);
  },
);

test('the most urgent alerts are told with their numbers, and the others counted', () => {
  const alerts = [
    sampleAlert({ id: 'seen', severity: 'critical', acknowledged_at: '2026-01-02T11:59:30Z' }),
    sampleAlert({
      id: 'warning',
      metric: 'negative_share',
      scope: { dimension: 'product', key: 'Tide Card' },
      count: 620,
    }),
    sampleAlert({ id: 'muted', silenced: true }),
    sampleAlert({
      id: 'critical',
      rule: 'churn',
      severity: 'critical',
      title: '5 posts suggest churn',
    }),
  ];
  const lead = leadFor(alerts);
  const since = formatMinute(alerts[0]?.opened_at ?? '');
  expect(lead).toMatchObject({
    alerts: [
      { id: 'critical', text: `5 posts suggest churn (since ${since})` },
      { id: 'warning', text: `Tide Card turned negative at ${since}, 61% of 620 posts` },
    ],
    more: 1,
    n_silenced: 1,
    isQuiet: false,
  });
});

test.each<[string, Partial<Alert>]>([
  ['an average', { metric: 'sentiment_average', value: -0.32, threshold: -0.5 }],
  ['too few negative posts', { metric: 'negative_share', value: 0.02, threshold: 0.05 }],
  [
    'too few negative posts, recovering',
    { metric: 'negative_share', phase: 'recovering', value: 0.06, threshold: 0.05 },
  ],
])('an alert about %s is told by its title', (_, changes) => {
  const alert = sampleAlert({ title: 'What the rule measured', ...changes });
  const lead = leadFor([alert]);
  const since = formatMinute(alert.opened_at);
  expect(lead.alerts[0]?.text).toBe(`What the rule measured (since ${since})`);
});

test('no alert is open only if all are known and none is silenced', () => {
  expect(leadFor([]).isQuiet).toBe(true);
  expect(leadFor([], { areAllKnown: false }).isQuiet).toBe(false);
  const silenced = leadFor([sampleAlert({ silenced: true })]);
  expect(silenced).toMatchObject({ alerts: [], more: 0, n_silenced: 1, isQuiet: false });
});
