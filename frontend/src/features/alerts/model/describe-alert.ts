import type { Alert } from '@/api/wire';
import type { AlertMoment } from '@/features/alerts/api/wire';
import { formatMetric } from '@/features/alerts/rules/metrics';
import { capitalize, formatPosts, formatScore, formatShare } from '@/lib/format';

/** `61%, threshold 50%`: the measured value and the threshold. */
export function describeValue({ rule, metric, value, threshold }: Alert): string {
  // A churn alert's value is the highest risk, not a number of posts.
  if (rule === 'churn') return `risk ${formatScore(value)}, threshold ${formatScore(threshold)}`;
  if (metric) return `${formatMetric(metric, value)}, threshold ${formatMetric(metric, threshold)}`;
  return rule === 'negativity'
    ? `${formatShare(value, 1)}, threshold ${formatShare(threshold, 1)}`
    : `${formatScore(value)}, threshold ${formatScore(threshold)}`;
}

/** The number of posts behind the alert; null if the value already is that number. */
export function describeCount({ metric, count }: Alert): string | null {
  return metric === 'volume' ? null : formatPosts(count);
}

const MOMENTS: Record<string, string> = {
  pending: 'Pending: the condition is met',
  firing: 'Fired',
  recovering: 'Recovering: the condition cleared',
  resolved: 'Resolved',
  acknowledged: 'Acknowledged',
  silenced: 'Silenced: no notifications are sent',
  unsilenced: 'Silence ended',
  inhibited: 'Inhibited by a broader or more severe alert',
  released: 'No longer inhibited',
  escalated: 'Severity raised',
  flapping: 'Flapping: kept open',
  withdrawn: 'Withdrawn: its posts were corrected',
};

/** Describes one entry of an alert's history. */
export function describeMoment({ phase, action }: AlertMoment): string {
  const name = phase ?? action ?? '';
  return MOMENTS[name] ?? capitalize(name);
}
