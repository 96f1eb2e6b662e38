import type { Alert, Tally } from '@/api/wire';
import { COMPARED_MIN, compareAverages } from '@/lib/compare';
import { formatCount, formatPosts, formatShare, formatSigned } from '@/lib/format';
import { formatMinute } from '@/lib/time';

interface LeadParams {
  overall: Tally;
  /** The previous period; null while unknown. */
  previous: Tally | null;
  /** `last 60 seconds`. */
  span: string;
  /** The open alerts known so far. */
  alerts: readonly Alert[];
  /** Whether these are all open alerts; false while they load and after a failure. */
  areAllKnown: boolean;
}

/** The page in one sentence. */
export interface Lead {
  sentiment: string;
  /** What needs a look, the most urgent first. */
  alerts: { id: string; text: string }[];
  /** Open alerts beyond these that are not silenced. */
  more: number;
  /** Open alerts that are silenced. */
  n_silenced: number;
  /** Whether no alert is open, not even a silenced one. */
  isQuiet: boolean;
}

/** A smaller difference of averages is noise. */
const STEADY = 0.05;

/** More would no longer be a sentence. */
const ALERTS_TOLD = 2;

/** Says what the sentiment is and what is wrong, in a sentence made of the page's own numbers. */
export function leadOf({ overall, previous, span, alerts, areAllKnown }: LeadParams): Lead {
  const urgent = alerts
    .filter(({ silenced }) => !silenced)
    .toSorted((a, b) => rank(a) - rank(b) || b.opened_at.localeCompare(a.opened_at));
  return {
    sentiment: describeSentiment(overall, previous, span),
    alerts: urgent
      .slice(0, ALERTS_TOLD)
      .map((alert) => ({ id: alert.id, text: describeAlert(alert) })),
    more: Math.max(0, urgent.length - ALERTS_TOLD),
    n_silenced: alerts.length - urgent.length,
    isQuiet: areAllKnown && alerts.length === 0,
  };
}

function describeSentiment(overall: Tally, previous: Tally | null, span: string): string {
  const { count, sentiment } = overall;
  if (count === 0) return `No posts in the ${span}`;
  const now = `Sentiment ${formatSigned(sentiment.average)}`;
  if (count < COMPARED_MIN) return `${now}, from only ${formatPosts(count)} in the ${span}`;
  const before = previous?.sentiment.average;
  const change =
    previous &&
    compareAverages(
      { average: sentiment.average, count },
      { average: before, count: previous.count },
    );
  if (change === null || typeof before !== 'number') return now;
  const isSteady = Math.abs((sentiment.average ?? 0) - before) < STEADY;
  if (isSteady || change.direction === 'same') return `${now}, steady`;
  return `${now}, ${change.direction} from ${formatSigned(before)}`;
}

/** `Tide Card turned negative at 08:40, 68% of 620 posts`; other rules by their title. */
function describeAlert(alert: Alert): string {
  const { scope, title, value, count, opened_at } = alert;
  const since = formatMinute(opened_at);
  if (!isTurnedNegative(alert)) return `${title} (since ${since})`;
  const about = scope.key === '' ? 'All posts' : scope.key;
  return `${about} turned negative at ${since}, ${formatShare(value, 1)} of ${formatCount(count)} posts`;
}

/** The kind `negativity` also covers averages of the sentiment and rules about too few negative posts. */
function isTurnedNegative({ metric, phase, value, threshold }: Alert): boolean {
  return metric === 'negative_share' && phase === 'firing' && value > threshold;
}

function rank({ acknowledged_at, severity }: Alert): number {
  return (acknowledged_at == null ? 0 : 2) + (severity === 'critical' ? 0 : 1);
}
