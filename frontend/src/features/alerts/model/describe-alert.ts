import type { Alert } from '@/api/wire';
import type { AlertMoment } from '@/features/alerts/api/wire';
import { formatMetric } from '@/features/alerts/rules/metrics';
import { capitalize, formatPosts, formatScore, formatShare } from '@/lib/format';

/** `61%, line at 50%`: how bad, against which line. */
export function describeValue({ rule, metric, value, threshold }: Alert): string {
  // Churn goes post by post: its value is the highest risk, not a number of posts.
  if (rule === 'churn') return `risk ${formatScore(value)}, line at ${formatScore(threshold)}`;
  if (metric) return `${formatMetric(metric, value)}, line at ${formatMetric(metric, threshold)}`;
  return rule === 'negativity'
    ? `${formatShare(value, 1)}, line at ${formatShare(threshold, 1)}`
    : `${formatScore(value)}, line at ${formatScore(threshold)}`;
}

/** How many posts are behind it; null where its value is that number. */
export function describeCount({ metric, count }: Alert): string | null {
  return metric === 'volume' ? null : formatPosts(count);
}

const MOMENTS: Record<string, string> = {
  pending: 'Noticed, not yet long enough to tell',
  firing: 'Fired',
  recovering: 'Ceased, watched a while longer',
  resolved: 'Resolved',
  acknowledged: 'Acknowledged by a person',
  silenced: 'Silenced: nobody is told',
  unsilenced: 'The silence ended',
  inhibited: 'Held back: a louder alert says the same',
  released: 'No longer held back',
  escalated: 'Became more severe',
  flapping: 'Comes and goes too often, so it is held open',
  withdrawn: 'Withdrawn: its posts were corrected',
};

/** One line of an alert's history, in words. */
export function describeMoment({ phase, action }: AlertMoment): string {
  const name = phase ?? action ?? '';
  return MOMENTS[name] ?? capitalize(name);
}
