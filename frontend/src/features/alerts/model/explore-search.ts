import type { Alert } from '@/api/wire';

/** What led to the alert was posted before it opened. */
const LEAD_MS = 30 * 60_000;
const TRAIL_MS = 5 * 60_000;

/** Returns the Explore search parameters for the posts behind an alert. */
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
