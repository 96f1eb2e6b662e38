/** Returns the browser's IANA time zone. */
export function localZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
}

export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** Lists all time zones, UTC and the local one first. Includes `used`, which may be an alias that browsers do not list. */
export function listZones(used: string): string[] {
  return [...new Set(['UTC', localZone(), used, ...Intl.supportedValuesOf('timeZone')])];
}

const parts = (zone: string) =>
  new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });

/** Returns the offset of a zone from UTC at `at`, in milliseconds. */
function offsetAt(at: number, zone: string): number {
  const known = Object.fromEntries(
    parts(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = known;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1_000) * 1_000;
}

/** `2026-03-29T10:30`: the value of a `datetime-local` input. */
export function toWallClock(at: string | number, zone: string): string {
  const time = new Date(at).getTime();
  if (Number.isNaN(time)) return '';
  return new Date(time + offsetAt(time, zone)).toISOString().slice(0, 16);
}

/**
 * Parses the value of a `datetime-local` input; null if it is invalid.
 *
 * If a daylight saving change skips the time, the result is an hour later; if it repeats it, the first one.
 */
export function fromWallClock(text: string, zone: string): string | null {
  const wall = Date.parse(`${text}Z`);
  if (Number.isNaN(wall)) return null;
  const before = wall - offsetAt(wall - 86_400_000, zone);
  const after = wall - offsetAt(wall + 86_400_000, zone);
  const fits = [before, after].find((at) => at + offsetAt(at, zone) === wall);
  return new Date(fits ?? before).toISOString().replace('.000Z', 'Z');
}

/** Returns a formatter for times in a zone. */
export function formatterIn(
  zone: string,
  options: Intl.DateTimeFormatOptions,
): (at: string | number) => string {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...options });
  return (at) => {
    const date = new Date(at);
    return Number.isNaN(date.getTime()) ? '–' : format.format(date);
  };
}
