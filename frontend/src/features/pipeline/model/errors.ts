import type { Palette } from '@/components/charts/palette';
import type { ErrorKind, ErrorOverview } from '@/features/pipeline/api/use-errors';
import { formatCount } from '@/lib/format';

interface Kind {
  one: string;
  many: string;
  colour: keyof Palette;
}

/** From errors that need attention to those that do not. */
export const KINDS: Record<ErrorKind, Kind> = {
  error: { one: 'error', many: 'errors', colour: 'critical' },
  failed_request: { one: 'failed request', many: 'failed requests', colour: 'negative' },
  dead_letter: { one: 'dead letter', many: 'dead letters', colour: 'warning' },
  restart: { one: 'restart', many: 'restarts', colour: 'ink' },
  failed_notification: {
    one: 'failed notification',
    many: 'failed notifications',
    colour: 'positive',
  },
  warning: { one: 'warning', many: 'warnings', colour: 'neutral' },
  refused_request: { one: 'rejected request', many: 'rejected requests', colour: 'line-strong' },
};

export const KIND_NAMES = Object.keys(KINDS) as ErrorKind[];

/** Returns the total of each kind. */
export function totalsOf({ steps }: ErrorOverview): Map<ErrorKind, number> {
  const totals = new Map<ErrorKind, number>();
  for (const { counts } of steps) {
    for (const kind of KIND_NAMES) {
      const count = counts[kind] ?? 0;
      if (count > 0) totals.set(kind, (totals.get(kind) ?? 0) + count);
    }
  }
  return totals;
}

/** `2 restarts, 1 dead letter`, to describe the chart. */
export function describeTotals(totals: ReadonlyMap<ErrorKind, number>): string {
  const parts = KIND_NAMES.filter((kind) => totals.has(kind)).map((kind) => {
    const count = totals.get(kind) ?? 0;
    return `${formatCount(count)} ${count === 1 ? KINDS[kind].one : KINDS[kind].many}`;
  });
  return parts.length === 0 ? 'none' : parts.join(', ');
}

/** `ingester 3, http 2`: the origins of the shown kinds, most frequent first. */
export function describeOrigins(
  { origins }: ErrorOverview,
  isShown: (kind: ErrorKind) => boolean,
): string {
  const totals = new Map<string, number>();
  for (const { origin, kind, count } of origins) {
    if (isShown(kind)) totals.set(origin, (totals.get(origin) ?? 0) + count);
  }
  return [...totals]
    .toSorted(([, a], [, b]) => b - a)
    .map(([origin, count]) => `${origin} ${formatCount(count)}`)
    .join(', ');
}
