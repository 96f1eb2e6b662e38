import type { Alert } from '@/api/wire';

/**
 * Merges fetched and pushed alerts into one list, open alerts first, then the newest.
 *
 * Of two versions of an alert, the one with the higher revision wins, however it arrived.
 */
export function mergeAlerts(fetched: readonly Alert[], pushed: readonly Alert[]): Alert[] {
  const byId = new Map<string, Alert>();
  for (const alert of [...fetched, ...pushed]) {
    const known = byId.get(alert.id);
    if (known === undefined || alert.revision > known.revision) byId.set(alert.id, alert);
  }
  return [...byId.values()].toSorted(
    (a, b) =>
      Number(a.state === 'resolved') - Number(b.state === 'resolved') ||
      Date.parse(b.opened_at) - Date.parse(a.opened_at),
  );
}
