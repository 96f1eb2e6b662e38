import type { Alert } from '@/api/wire';
import type { CsvTable } from '@/lib/csv';

/** Returns alerts as a table. */
export function tableOfAlerts(alerts: readonly Alert[]): CsvTable {
  return {
    heads: ['Alert', 'Severity', 'State', 'Opened', 'Resolved', 'Acknowledged', 'Posts'],
    rows: alerts.map((alert) => [
      alert.title,
      alert.severity,
      alert.state,
      alert.opened_at,
      alert.resolved_at ?? null,
      alert.acknowledged_at ?? null,
      alert.count,
    ]),
  };
}
