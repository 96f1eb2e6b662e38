import type { Alert } from '@/api/wire';

/** Evidence begins before an alert opens, and people want to see what led to it. */
const LEAD_MS = 30 * 60_000;
const TRAIL_MS = 5 * 60_000;

/** The Explore address of the posts behind an alert. */
export function exploreSearch(alert: Alert, changes: Record<string, string> = {}) {
  const { dimension, key } = alert.scope;
  const end = alert.resolved_at ?? alert.updated_at;
  const iso = (ms: number) => new Date(ms).toISOString();
  return {
    from: iso(Date.parse(alert.opened_at) - LEAD_MS),
    to: iso(Date.parse(end) + TRAIL_MS),
    ...(dimension !== 'overall' && { [dimension]: key }),
    ...changes,
  };
}
