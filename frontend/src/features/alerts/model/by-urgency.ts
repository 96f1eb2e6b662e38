import type { Alert } from '@/api/wire';

const SEVERITY_ORDER = { critical: 0, warning: 1, info: 2 } as const;

/** Orders alerts: unacknowledged before acknowledged, then the most severe first, then the newest. */
export function byUrgency(a: Alert, b: Alert): number {
  return (
    Number(Boolean(a.acknowledged_at)) - Number(Boolean(b.acknowledged_at)) ||
    SEVERITY_ORDER[a.severity] - SEVERITY_ORDER[b.severity] ||
    Date.parse(b.opened_at) - Date.parse(a.opened_at)
  );
}
