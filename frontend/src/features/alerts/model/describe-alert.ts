import type { Alert } from '@/api/wire';
import type { AlertMoment } from '@/features/alerts/api/wire';
import { formatMetric } from '@/features/alerts/rules/metrics';
import { capitalize, formatPosts, formatScore, formatShare } from '@/lib/format';

/** `61%, threshold 50%`: the measured value and the threshold. */
export function describeValue({ rule, metric, value, threshold }: Alert): string {
  // Churn goes post by post: its value is the highest risk, not a number of posts.
  if (rule === 'churn') return `risk ${formatScore(value)}, threshold ${formatScore(threshold)}`;
  if (metric) return `${formatMetric(metric, value)}, threshold ${formatMetric(metric, threshold)}`;
  return rule === 'negativity'
    ? `${formatShare(value, 1)}, threshold ${formatShare(threshold, 1)}`
    : `${formatScore(value)}, threshold ${formatScore(threshold)}`;
}

/** How many posts are behind it; null where its value is that number. */
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

/** One line of an alert's history, in words. */
export function describeMoment({ phase, action }: AlertMoment): string {
  const name = phase ?? action ?? '';
  return MOMENTS[name] ?? capitalize(name);
}
