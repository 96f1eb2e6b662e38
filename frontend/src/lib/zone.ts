let known: string | undefined;

/** Returns the browser's IANA time zone; UTC if it has none that other programs know. */
export function localZone(): string {
  // Formatters are expensive, and lists ask for each of their items.
  known ??= readLocalZone();
  return known;
}

function readLocalZone(): string {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return zone && !zone.startsWith('Etc/Unknown') && isZone(zone) ? zone : 'UTC';
}

export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** Lists all time zones, the local one and UTC first. Includes `used`, which may be an alias that browsers do not list. */
export function listZones(used: string): string[] {
  return [...new Set([localZone(), 'UTC', used, ...Intl.supportedValuesOf('timeZone')])];
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

/** `2026-03-29T10:30`, with seconds if there are any: the value of a `datetime-local` input. */
export function toWallClock(at: string | number, zone: string): string {
  const time = new Date(at).getTime();
  if (Number.isNaN(time)) return '';
  const wall = new Date(time + offsetAt(time, zone)).toISOString().slice(0, 19);
  return wall.replace(/:00$/, '');
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

/** The first days of the week that the server knows. */
export type WeekStart = 'monday' | 'saturday' | 'sunday';

/** Returns the first day of the week where the person lives, as the browser's language says. */
export function localWeekStart(language = navigator.language): WeekStart {
  const locale = new Intl.Locale(language) as Intl.Locale & {
    getWeekInfo?: () => { firstDay: number };
    weekInfo?: { firstDay: number };
  };
  const first = (locale.getWeekInfo?.() ?? locale.weekInfo)?.firstDay;
  return first === 7 ? 'sunday' : first === 6 ? 'saturday' : 'monday';
}
