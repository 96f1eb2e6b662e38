import { Badge } from '@/components/ui/badge';
import { Empty } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import type { useOpenAlerts } from '@/features/alerts/api/use-open-alerts';
import { AlertCard } from '@/features/alerts/components/alert-card';
import { formatSome } from '@/lib/format';
import { useNow } from '@/lib/use-now';

interface OpenAlertsProps {
  open: ReturnType<typeof useOpenAlerts>;
  onOpen: (id: string) => void;
}

const SEVERITY_ORDER = { critical: 0, warning: 1, info: 2 } as const;

/** The open alerts: unacknowledged before acknowledged, the most severe first. */
export function OpenAlerts({
  open: { alerts, isCut, error, isPending, refetch },
  onOpen,
}: OpenAlertsProps) {
  const now = useNow(5_000);
  const sorted = alerts.toSorted(
    (a, b) =>
      Number(Boolean(a.acknowledged_at)) - Number(Boolean(b.acknowledged_at)) ||
      SEVERITY_ORDER[a.severity] - SEVERITY_ORDER[b.severity] ||
      Date.parse(b.opened_at) - Date.parse(a.opened_at),
  );
  return (
    <Panel
      title="Open alerts"
      note="most urgent first"
      actions={
        alerts.length > 0 ? (
          <Badge tone="critical">{formatSome(alerts.length, isCut)} open</Badge>
        ) : (
          <Badge tone="good">none open</Badge>
        )
      }
    >
      <QueryStatus
        query={{ error, refetch, isPending: isPending && alerts.length === 0 }}
        what="alerts"
        rows={5}
      />
      {!isPending && error === null && alerts.length === 0 && (
        <Empty title="No open alerts">
          An alert opens when a rule fires or when a signal detects an unusual change. Past alerts
          are under History.
        </Empty>
      )}
      <ul aria-label="Open alerts" className="-mx-4 mt-2">
        {sorted.map((alert) => (
          <AlertCard key={alert.id} alert={alert} now={now} onOpen={onOpen} />
        ))}
      </ul>
      {isCut && (
        <p className="caption mt-2">
          Only the newest open alerts are listed. To see all of them, filter the history by state.
        </p>
      )}
    </Panel>
  );
}
