export { formatAxisTime, formatDate, formatDay } from '@/lib/time';

const NONE = '–';

const whole = new Intl.NumberFormat('en');
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** `12,118`, or `118.4K` from 100,000 on. */
export function formatCount(count: number): string {
  return count < 100_000 ? whole.format(count) : compact.format(count);
}

/** `12`, or `200+` for a truncated list. */
export function formatSome(count: number, isCut: boolean): string {
  return `${formatCount(count)}${isCut ? '+' : ''}`;
}

/** `1 post`, `12 posts`. */
export function formatPosts(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'post' : 'posts'}`;
}

/** `0.04`, `0.4`, `12.5`, `1,204`. */
export function formatRate(rate: number): string {
  if (rate > 0 && rate < 0.1) return rate.toFixed(2);
  return rate < 100 ? rate.toFixed(1) : formatCount(Math.round(rate));
}

/** `+0.42`, with a real minus sign, since hyphens are narrower than plus signs. */
export function formatSigned(score: number | null | undefined): string {
  if (score === null || score === undefined || !Number.isFinite(score)) return NONE;
  const rounded = score.toFixed(2);
  if (Number(rounded) === 0) return '0.00';
  return score > 0 ? `+${rounded}` : `−${rounded.slice(1)}`;
}

export function formatScore(score: number | null | undefined): string {
  if (score === null || score === undefined || !Number.isFinite(score)) return NONE;
  return score.toFixed(2);
}

/** `33%`, `<1%`, or `–` if the total is 0. */
export function formatShare(part: number, total: number): string {
  if (total <= 0) return NONE;
  const percent = (part / total) * 100;
  if (percent > 0 && percent < 1) return '<1%';
  return `${Math.round(percent)}%`;
}

/** `62% confident`. Never rounds up to 100%. */
export function formatConfidence(confidence: number): string {
  if (!Number.isFinite(confidence)) return 'confidence unknown';
  if (confidence > 0.99) return 'over 99% confident';
  return `${Math.round(confidence * 100)}% confident`;
}

/** `0.4 s`, `12 s`, `4 min`, `3 h`, `2 d`. */
export function formatElapsed(ms: number): string {
  if (!Number.isFinite(ms)) return NONE;
  const seconds = Math.max(0, ms) / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

const LENGTHS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

/** `5 minutes`, `90 minutes`, `1 day`: in the largest unit that gives a whole number. */
export function formatDuration(seconds: number): string {
  const [name, unit] = LENGTHS.find(([, length]) => seconds % length === 0 && seconds !== 0) ?? [
    'second',
    1,
  ];
  const n = seconds / unit;
  return `${whole.format(n)} ${name}${n === 1 ? '' : 's'}`;
}

/** `now`, `12 s`, `4 min`, `3 h`, `2 d`; times in the future count as now. */
export function formatAge(time: string, now: number): string {
  const seconds = (now - Date.parse(time)) / 1_000;
  if (seconds < 2) return 'now';
  return seconds < 60 ? `${Math.floor(seconds)} s` : formatElapsed(seconds * 1_000);
}

/** `just now`, `12 s ago`, `4 min ago`. */
export function formatAgo(time: string, now: number): string {
  const age = formatAge(time, now);
  return age === 'now' ? 'just now' : `${age} ago`;
}

/** Returns the display name of a key; the empty key stands for posts without one. */
export function formatKey(key: string): string {
  return key === '' ? 'Unattributed' : key;
}

const SOURCE_NAMES: ReadonlyMap<string, string> = new Map([
  ['replay', 'Replay'],
  ['synthetic', 'Synthetic'],
  ['http', 'HTTP'],
  ['bluesky', 'Bluesky'],
  ['feed', 'Feeds'],
  ['webhook', 'Webhooks'],
  ['mastodon', 'Mastodon'],
  ['reddit', 'Reddit'],
  ['x', 'X'],
  ['youtube', 'YouTube'],
]);

export function formatSource(source: string): string {
  return SOURCE_NAMES.get(source) ?? source;
}

export function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
