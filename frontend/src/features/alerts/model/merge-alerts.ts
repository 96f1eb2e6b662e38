import type { Alert } from '@/api/wire';

/**
 * One list out of what was asked for and what was pushed.
 *
 * Of two versions the later one stands. Two things do not always move `updated_at`: posts that are taken out of an alert,
 * so on a tie the one with fewer does, and an acknowledgement, so then the acknowledged one does. Open alerts come first, then the newest.
 */
export function mergeAlerts(asked: readonly Alert[], pushed: readonly Alert[]): Alert[] {
  const byId = new Map<string, Alert>();
  for (const alert of [...asked, ...pushed]) {
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
