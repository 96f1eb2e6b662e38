import {
  FILTERS,
  type Cadence,
  type FilterName,
  type NewReport,
  type Report,
  type Weekday,
} from '@/features/reports/api/wire';
import { capitalize } from '@/lib/format';
import type { Problems } from '@/lib/use-editor';
import { isZone, localZone } from '@/lib/zone';

/** A report as its form holds it. */
export interface ReportDraft {
  name: string;
  enabled: boolean;
  cadence: Cadence;
  weekday: Weekday;
  day: string;
  /** `08:00`. */
  time: string;
  tz: string;
  filter: Record<FilterName, string>;
  channel: string;
}

const NO_FILTER = { product: '', platform: '', channel: '', city: '', source: '' };

export const newDraft = (channel: string): ReportDraft => ({
  name: '',
  enabled: true,
  cadence: 'weekly',
  weekday: 'monday',
  day: '1',
  time: '08:00',
  tz: localZone(),
  filter: NO_FILTER,
  channel,
});

export function toDraft({ name, enabled, schedule, filter, notification_channel }: Report) {
  const given = FILTERS.map((field) => [field, filter[field] ?? ''] as const);
  return {
    name,
    enabled,
    cadence: schedule.cadence,
    weekday: schedule.weekday ?? 'monday',
    day: String(schedule.day ?? 1),
    time: timeOf(schedule),
    tz: schedule.tz,
    filter: Object.fromEntries(given) as Record<FilterName, string>,
    channel: notification_channel,
  } satisfies ReportDraft;
}

/** The report to save, and what is wrong with it. */
export function readDraft(draft: ReportDraft): { value: NewReport; problems: Problems } {
  const name = draft.name.trim();
  const [hour, minute] = draft.time.split(':').map(Number);
  const day = Number(draft.day);
  const filter = FILTERS.flatMap((field) => {
    const text = draft.filter[field].trim();
    return text === '' ? [] : [[field, text] as const];
  });
  const problems: Problems = {};
  if (name === '') problems['name'] = 'Enter a name.';
  if (draft.time === '') problems['schedule.hour'] = 'Choose a time.';
  if (!Number.isInteger(day) || day < 1 || day > 31) {
    problems['schedule.day'] = 'Enter a day from 1 to 31.';
  }
  if (!isZone(draft.tz)) problems['schedule.tz'] = 'Choose a time zone, such as Europe/Berlin.';
  if (draft.channel === '') problems['notification_channel'] = 'Choose an email channel.';
  const value: NewReport = {
    name,
    enabled: draft.enabled,
    schedule: {
      cadence: draft.cadence,
      weekday: draft.weekday,
      day,
      hour: hour ?? 0,
      minute: minute ?? 0,
      tz: draft.tz,
    },
    filter: Object.fromEntries(filter),
    notification_channel: draft.channel,
  };
  return { value, problems };
}

const two = (number: number | undefined) => String(number ?? 0).padStart(2, '0');

function timeOf({ hour, minute }: Report['schedule']): string {
  return `${two(hour)}:${two(minute)}`;
}

/** `Mondays at 08:00, Europe/Berlin`. */
export function describeSchedule(schedule: Report['schedule']): string {
  const { cadence, weekday = 'monday', day = 1, tz } = schedule;
  const days = {
    daily: 'Daily',
    weekly: `${capitalize(weekday)}s`,
    monthly: day > 28 ? `Monthly on day ${day}, or the last day` : `Monthly on day ${day}`,
  };
  return `${days[cadence]} at ${timeOf(schedule)}, ${tz}`;
}

/** `product Nimbrel Buds, city Oslo`, or `all posts`. */
export function describeFilter(filter: Report['filter']): string {
  const given = FILTERS.flatMap((field) => {
    const value = filter[field];
    if (value === null || value === undefined) return [];
    return value === '' ? [`no ${field}`] : [`${field} ${value}`];
  });
  return given.length === 0 ? 'all posts' : given.join(', ');
}
