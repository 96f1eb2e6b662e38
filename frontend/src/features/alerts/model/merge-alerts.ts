import type { Alert } from '@/api/wire';

/**
 * Merges fetched and pushed alerts into one list, open alerts first, then the newest.
 *
 * Of two versions of an alert, the later one wins. Removing posts and acknowledging do not always change `updated_at`, so
 * on a tie the version with fewer posts wins, then the acknowledged one.
 */
export function mergeAlerts(fetched: readonly Alert[], pushed: readonly Alert[]): Alert[] {
  const byId = new Map<string, Alert>();
  for (const alert of [...fetched, ...pushed]) {
    const known = byId.get(alert.id);
    if (known === undefined || isLater(alert, known)) byId.set(alert.id, alert);
  }
  return [...byId.values()].toSorted(
    (a, b) =>
      Number(a.state === 'resolved') - Number(b.state === 'resolved') ||
      Date.parse(b.opened_at) - Date.parse(a.opened_at),
  );
}

function isLater(alert: Alert, than: Alert): boolean {
  const difference = Date.parse(alert.updated_at) - Date.parse(than.updated_at);
  if (difference !== 0) return difference > 0;
  if (alert.count !== than.count) return alert.count < than.count;
  return Boolean(alert.acknowledged_at) && !than.acknowledged_at;
}
