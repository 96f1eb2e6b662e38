/** The zone of this browser, as IANA names it. */
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

/** Every zone that this browser lists, UTC first and its own second, and `used`: of two names for one zone it lists one. */
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

/** How far the clocks of `zone` are ahead of UTC at that moment, in milliseconds. */
function offsetAt(at: number, zone: string): number {
  const known = Object.fromEntries(
    parts(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = known;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1_000) * 1_000;
}

/** `2026-03-29T10:30`: what a `datetime-local` control shows for a moment. */
export function toWallClock(at: string | number, zone: string): string {
  const time = new Date(at).getTime();
  if (Number.isNaN(time)) return '';
  return new Date(time + offsetAt(time, zone)).toISOString().slice(0, 16);
}

/**
 * The moment at which the clocks of `zone` show that; null where the text is none.
 *
 * An hour that a change of the clocks skips is taken as the one after it, one that comes twice as its first.
 */
export function fromWallClock(text: string, zone: string): string | null {
  const wall = Date.parse(`${text}Z`);
  if (Number.isNaN(wall)) return null;
  const before = wall - offsetAt(wall - 86_400_000, zone);
  const after = wall - offsetAt(wall + 86_400_000, zone);
  const fits = [before, after].find((at) => at + offsetAt(at, zone) === wall);
  return new Date(fits ?? before).toISOString().replace('.000Z', 'Z');
}

/** Formats moments as the clocks of `zone` show them. */
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
