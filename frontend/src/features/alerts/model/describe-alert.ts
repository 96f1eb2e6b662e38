import type { Alert } from '@/api/wire';
import type { AlertDetails, AlertMoment } from '@/features/alerts/api/wire';
import { formatMetric } from '@/features/alerts/rules/metrics';
import { capitalize, formatPosts, formatScore, formatShare } from '@/lib/format';

/** `61% now, peak 81%, threshold 50%`: the latest value, the peak if it is past, and the threshold. */
export function describeValue(alert: Alert): string {
  const format = (value: number) => formatValue(alert, value);
  const of = alert.rule === 'churn' ? ' with high churn risk' : '';
  const latest = `${format(alert.value)}${of}`;
  const threshold = `threshold ${format(alert.threshold)}`;
  const { peak } = alert.measured;
  if (!peak || format(peak.value) === format(alert.value)) return `${latest}, ${threshold}`;
  const when = alert.state === 'open' ? 'now' : 'at the end';
  return `${latest} ${when}, peak ${format(peak.value)}, ${threshold}`;
}

/** The number of posts behind the alert; null if the value already is that number. */
export function describeCount({ rule, metric, count }: Alert): string | null {
  return metric === 'volume' || rule === 'churn' ? null : formatPosts(count);
}

/** A value of the alert in the unit of its metric. */
export function formatValue({ rule, metric }: Alert, value: number): string {
  if (metric) return formatMetric(metric, value);
  return rule === 'negativity' ? formatShare(value, 1) : formatScore(value);
}

/** The figures of an alert's details, all from the alert itself, so that they agree with its history. */
export function figuresOf(alert: AlertDetails): { name: string; text: string }[] {
  const isOpen = alert.state === 'open';
  // A churn alert counts all posts since it opened, so its value never falls.
  const isTotal = alert.rule === 'churn';
  const peak = isTotal ? null : alert.measured.peak;
  // An alert that opened before measurements were kept has only its history.
  const opening = alert.measured.opening ?? alert.history.find(({ phase }) => phase === 'firing');
  const atOpening = opening?.value;
  const format = (value: number) => formatValue(alert, value);
  return [
    ...(atOpening == null ? [] : [{ name: 'At opening', text: format(atOpening) }]),
    ...(peak ? [{ name: 'Peak', text: format(peak.value) }] : []),
    { name: nameOfLatest(isOpen, isTotal), text: format(alert.value) },
    { name: 'Threshold', text: format(alert.threshold) },
  ];
}

function nameOfLatest(isOpen: boolean, isTotal: boolean): string {
  if (isTotal) return isOpen ? 'Since it opened' : 'In total';
  return isOpen ? 'Now' : 'At the end';
}

const MOMENTS: Record<string, string> = {
  pending: 'Pending: the condition is met',
  firing: 'Opened',
  recovering: 'Recovering: the condition cleared',
  resolved: 'Resolved',
  acknowledged: 'Acknowledged',
  unacknowledged: 'Acknowledgement undone',
  unassigned: 'Unassigned',
  commented: 'Comment',
  silenced: 'Silenced: no notifications are sent',
  unsilenced: 'Silence ended',
  inhibited: 'Inhibited by a broader or more severe alert',
  released: 'No longer inhibited',
  escalated: 'Severity raised',
  flapping: 'Flapping: kept open',
  withdrawn: 'Withdrawn: its posts were corrected',
};

/** Describes one entry of an alert's history. */
export function describeMoment({ phase, action, channel, assignee }: AlertMoment): string {
  if (action === 'assigned') return `Assigned to ${assignee}`;
  if (action === 'notified') return `Notified via ${channel}`;
  if (action === 'notification_failed') return `Could not notify via ${channel}`;
  const name = phase ?? action ?? '';
  return MOMENTS[name] ?? capitalize(name);
}
