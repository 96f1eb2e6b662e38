import { useMemo, useState } from 'react';
import type { Alert } from '@/api/wire';
import { Panel } from '@/components/ui/panel';
import { failureOf, useAcknowledge } from '@/features/alerts/api/use-acknowledge';
import { useAlerts } from '@/features/alerts/api/use-alerts';
import { AlertGroupItem } from '@/features/alerts/components/alert-group-item';
import { OpenCount } from '@/features/alerts/components/open-count';
import { groupAlerts, holdGroup } from '@/features/alerts/model/group-alerts';
import { tableOfAlerts } from '@/features/alerts/model/table';
import { useHeldRows } from '@/features/alerts/model/use-held-rows';
import { useNow } from '@/lib/use-now';

interface AlertsPanelProps {
  /** Alerts received over the socket, in any order. */
  pushed: readonly Alert[];
  className?: string;
}

const HOLDING = { update: holdGroup };

/** The alerts on the Live page, open ones first, those of one rule together. */
export function AlertsPanel({ pushed, className }: AlertsPanelProps) {
  const { alerts, n_open, isCut, isKnown, error, isPending } = useAlerts(pushed);
  const acknowledge = useAcknowledge();
  const groups = useMemo(() => groupAlerts(alerts), [alerts]);
  const { rows, handlers } = useHeldRows(groups, HOLDING);
  const isBusy = (id: string) => acknowledge.isPending && acknowledge.variables.ids.includes(id);
  const now = useNow(1_000);
  return (
    <Panel
      title="Alerts"
      exported={() => tableOfAlerts(rows.flatMap((group) => group.alerts))}
      className={className ?? ''}
      actions={<OpenCount n_open={n_open} isCut={isCut} isKnown={isKnown} />}
    >
      <Announcer alerts={alerts} />
      {error !== null && (
        <p role="alert" className="rounded-md bg-warning-soft px-3 py-2 text-sm text-warning">
          Earlier alerts could not be loaded: {error.message}. Retrying.
        </p>
      )}
      {acknowledge.error !== null && (
        <p role="alert" className="rounded-md bg-warning-soft px-3 py-2 text-sm text-warning">
          {failureOf(acknowledge.variables)}: {acknowledge.error.message}.
        </p>
      )}
      {alerts.length === 0 && error === null && (
        <p className="py-2 text-sm text-ink-soft">
          {isPending || !isKnown
            ? 'Loading alerts…'
            : 'No open alerts. An alert opens when, for example, most posts turn negative or several posts suggest churn.'}
        </p>
      )}
      <ul
        className="thin-scroll -mx-4 min-h-0 flex-1 overflow-y-auto"
        aria-label="Alerts, open ones first"
        tabIndex={alerts.length > 0 ? 0 : -1}
        {...handlers}
      >
        {rows.map((group) => (
          <AlertGroupItem
            key={group.id}
            {...{ group, now, isBusy }}
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
