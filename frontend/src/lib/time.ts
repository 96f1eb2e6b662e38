/** How points in time are written, on every page: in the browser's time zone unless another one is chosen. */
import { localZone } from '@/lib/zone';

const NONE = '–';
const MINUTE_SECONDS = 60;
const DAY_SECONDS = 86_400;

/** Up to this length, times of a period are written with their seconds. */
const SHORT_SECONDS = 600;

type Time = string | number;

const MINUTES = { hour: '2-digit', minute: '2-digit' } as const;
const SECONDS = { ...MINUTES, second: '2-digit' } as const;
const DAY = { day: 'numeric', month: 'short' } as const;

/** Formatters are expensive, and charts ask for them with every redraw. */
const made = new Map<string, Intl.DateTimeFormat>();

function makeFormat(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = JSON.stringify(options);
  const format = made.get(key) ?? new Intl.DateTimeFormat('en-GB', options);
  made.set(key, format);
  return format;
}

/** Returns a formatter for times in a zone. */
export function formatterIn(zone: string, options: Intl.DateTimeFormatOptions) {
  const format = makeFormat({ timeZone: zone, ...options });
  return (at: Time): string => {
    const date = new Date(at);
    return Number.isNaN(date.getTime()) ? NONE : format.format(date);
  };
}

const here = (options: Intl.DateTimeFormatOptions) => formatterIn(localZone(), options);

/** `09:30:05`. */
export const formatClock = here(SECONDS);

/** `09:30`. */
export const formatMinute = here(MINUTES);

/** `2 Jan, 09:30`. */
export const formatDay = here({ ...DAY, ...MINUTES });

/** `2 Jan 2026, 09:30`: with the year, since a replayed post may be years old. */
export const formatDate = here({ dateStyle: 'medium', timeStyle: 'short' });

/** `2 Jan 2026, 09:30:05 CET`. */
export function formatFullTime(at: Time, zone: string): string {
  return formatterIn(zone, { dateStyle: 'medium', timeStyle: 'long' })(at);
}

interface SpanFormat {
  /** The length of the whole period. */
  seconds: number;
  /** The length of a step. */
  stepSeconds: number;
  zone?: string;
}

/** Returns a formatter for the steps of a period: with seconds if it is short, with the day if it has more than one. */
export function formatterOf({ seconds, stepSeconds, zone = localZone() }: SpanFormat) {
  if (stepSeconds >= DAY_SECONDS) return formatterIn(zone, DAY);
  if (seconds > DAY_SECONDS) return formatterIn(zone, { ...DAY, ...MINUTES });
  const isShort = seconds <= SHORT_SECONDS || stepSeconds < MINUTE_SECONDS;
  return formatterIn(zone, isShort ? SECONDS : MINUTES);
}

/** Returns a formatter for an axis, which includes the day only if there is more than one. */
export function formatAxisTime(times: readonly string[]): (time: string) => string {
  const dayOf = here(DAY);
  const isOneDay = dayOf(times[0] ?? '') === dayOf(times.at(-1) ?? '');
  return isOneDay ? formatMinute : formatDay;
}

/** `21 Nov, 10:00 – 12:00`: with the year unless it is this one, with seconds unless both are whole minutes. */
export function formatRange(from: string, to: string, zone: string, now = Date.now()): string {
  const yearOf = formatterIn(zone, { year: 'numeric' });
  const dateOf = formatterIn(zone, { dateStyle: 'medium' });
  const isThisYear = [from, to].every((at) => yearOf(at) === yearOf(now));
  const isWhole = [from, to].every((at) => Date.parse(at) % (MINUTE_SECONDS * 1_000) === 0);
  const clock = isWhole ? MINUTES : SECONDS;
  const full = formatterIn(zone, { ...DAY, ...(!isThisYear && { year: 'numeric' }), ...clock });
  const end = dateOf(from) === dateOf(to) ? formatterIn(zone, clock) : full;
  return `${full(from)} – ${end(to)}`;
}
