import { useState } from 'react';
import type { Alert } from '@/api/wire';
import { Badge } from '@/components/ui/badge';
import { Panel } from '@/components/ui/panel';
import { useAcknowledgeAlert, useAlerts } from '@/features/alerts/api/use-alerts';
import { AlertItem } from '@/features/alerts/components/alert-item';
import { formatSome } from '@/lib/format';
import { useNow } from '@/lib/use-now';

interface AlertsPanelProps {
  /** Alerts received over the socket, in any order. */
  pushed: readonly Alert[];
  className?: string;
}

/** The alerts on the Live page, open ones first. */
export function AlertsPanel({ pushed, className }: AlertsPanelProps) {
  const { alerts, n_open, isCut, error, isPending } = useAlerts(pushed);
  const acknowledge = useAcknowledgeAlert();
  const now = useNow(1_000);
  return (
    <Panel
      title="Alerts"
      className={className ?? ''}
      actions={
        n_open > 0 ? (
          <Badge tone="critical">{formatSome(n_open, isCut)} open</Badge>
        ) : (
          <Badge tone="good">none open</Badge>
        )
      }
    >
      <Announcer alerts={alerts} />
      {error !== null && (
        <p role="alert" className="rounded-md bg-warning-soft px-3 py-2 text-[13px] text-warning">
          Earlier alerts could not be loaded: {error.message}. Retrying.
        </p>
      )}
      {acknowledge.error !== null && (
        <p role="alert" className="rounded-md bg-warning-soft px-3 py-2 text-[13px] text-warning">
          The alert could not be acknowledged: {acknowledge.error.message}.
        </p>
      )}
      {alerts.length === 0 && error === null && (
        <p className="py-2 text-[13px] text-ink-soft">
          {isPending
            ? 'Loading alerts…'
            : 'No open alerts. An alert opens when, for example, most posts turn negative or a customer sounds ready to leave.'}
        </p>
      )}
      <ul
        className="thin-scroll -mx-4 min-h-0 flex-1 overflow-y-auto"
        aria-label="Alerts, open ones first"
        tabIndex={alerts.length > 0 ? 0 : -1}
      >
        {alerts.map((alert) => (
          <AlertItem
            key={alert.id}
            alert={alert}
            now={now}
            busy={acknowledge.isPending && acknowledge.variables === alert.id}
            onAcknowledge={acknowledge.mutate}
          />
        ))}
      </ul>
    </Panel>
  );
}

/** Announces an alert that opens while the page is open. */
function Announcer({ alerts }: { alerts: readonly Alert[] }) {
  const [openedAt] = useState(() => Date.now());
  const newest = alerts.find(({ state }) => state === 'open');
  const title =
    newest !== undefined && Date.parse(newest.opened_at) >= openedAt ? newest.title : '';
  return (
    <p role="status" aria-live="polite" className="sr-only">
      {title !== '' && `Alert: ${title}`}
    </p>
  );
}
