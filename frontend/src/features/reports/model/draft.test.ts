import { expect, test } from 'vitest';
import {
  describeFilter,
  describeSchedule,
  newDraft,
  readDraft,
  toDraft,
} from '@/features/reports/model/draft';

const schedule = {
  cadence: 'weekly',
  weekday: 'friday',
  day: 1,
  hour: 8,
  minute: 5,
  tz: 'Europe/Berlin',
} as const;

const report = {
  id: 'r1',
  name: 'Weekly',
  enabled: true,
  schedule,
  filter: { product: 'Nimbrel Buds' },
  notification_channel: 'c1',
  created_by: null,
  created_at: '2026-11-20T08:00:00Z',
  updated_at: '2026-11-20T08:00:00Z',
  next_at: '2026-11-27T07:05:00Z',
  last_run: null,
};

test('a report survives its form unchanged', () => {
  const { value, problems } = readDraft(toDraft(report));
  expect(problems).toEqual({});
  expect(value).toEqual({
    name: 'Weekly',
    enabled: true,
    schedule,
    filter: { product: 'Nimbrel Buds' },
    notification_channel: 'c1',
  });
});

test('each invalid field has a problem', () => {
  const draft = { ...newDraft(''), day: '32', time: '', tz: 'Mars/Olympus' };
  expect(Object.keys(readDraft(draft).problems)).toEqual([
    'name',
    'schedule.hour',
    'schedule.day',
    'schedule.tz',
    'notification_channel',
  ]);
});

test('schedules and filters are described in words', () => {
  expect(describeSchedule(schedule)).toBe('Fridays at 08:05, Europe/Berlin');
  expect(describeSchedule({ ...schedule, cadence: 'daily' })).toBe('Daily at 08:05, Europe/Berlin');
  expect(describeSchedule({ ...schedule, cadence: 'monthly', day: 31 })).toBe(
    'Monthly on day 31, or the last day at 08:05, Europe/Berlin',
  );
  expect(describeFilter({})).toBe('all posts');
  expect(describeFilter({ product: 'Tide', city: '' })).toBe('product Tide, no city');
});
