import { Empty } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { Segmented } from '@/components/ui/segmented';
import type { Alert } from '@/api/wire';
import type { useOpenAlerts } from '@/features/alerts/api/use-open-alerts';
import { AlertCard } from '@/features/alerts/components/alert-card';
import { BulkActions } from '@/features/alerts/components/bulk-actions';
import { OpenCount } from '@/features/alerts/components/open-count';
import { byUrgency } from '@/features/alerts/model/by-urgency';
import { asResolved } from '@/features/alerts/model/hold-rows';
import { OWNERS, type AlertsPlace, type Owner } from '@/features/alerts/model/place';
import { useHeldRows } from '@/features/alerts/model/use-held-rows';
import { capitalize } from '@/lib/format';
import { usePersonName } from '@/lib/person';
import { useNow } from '@/lib/use-now';
import { useSelection } from '@/lib/use-selection';

interface OpenAlertsProps {
  open: ReturnType<typeof useOpenAlerts>;
  place: AlertsPlace;
  onChange: (place: AlertsPlace) => void;
}

const OWNER_OPTIONS = OWNERS.map((value) => ({ value, text: capitalize(value) }));

/** The open alerts, one by one or several at a time. */
export function OpenAlerts({
  open: { alerts: all, isCut, error, isPending, refetch },
  place,
  onChange,
}: OpenAlertsProps) {
  const now = useNow(5_000);
  const me = usePersonName();
  const { owner = 'all' } = place;
  const isWanted = ({ assignee }: Alert) =>
    owner === 'mine' ? assignee === me : owner === 'all' || assignee == null;
  const alerts = owner === 'all' ? all : all.filter(isWanted);
  const choose = (value: Owner) => {
    const next = { ...place };
    delete next.owner;
    onChange(value === 'all' ? next : { ...next, owner: value });
  };
  const { rows, handlers } = useHeldRows(
    alerts.toSorted(byUrgency),
    // An alert that leaves a filtered list may still be open.
    isCut || owner !== 'all' ? {} : { whenGone: asResolved },
  );
  const selection = useSelection(alerts, ({ id }) => id);
  return (
    <Panel
      title="Open alerts"
      note="unacknowledged first, by severity"
      actions={
        <>
          <Segmented label="Assigned to" value={owner} options={OWNER_OPTIONS} onChange={choose} />
          <OpenCount n_open={alerts.length} isCut={isCut} isKnown={!isPending && error === null} />
        </>
      }
    >
      <QueryStatus
        query={{ error, refetch, isPending: isPending && alerts.length === 0 }}
        what="alerts"
        rows={5}
      />
      {owner !== 'all' && rows.length === 0 && (
        <Empty title={owner === 'mine' ? 'No open alerts assigned to you' : 'No unassigned alerts'}>
          {owner === 'mine' && me === '' && 'Enter your name under “Your name” at the top.'}
        </Empty>
      )}
      {!isPending && error === null && owner === 'all' && rows.length === 0 && (
        <Empty title="No open alerts">
          An alert opens when a rule fires or when a signal detects an unusual change. Past alerts
          are under History.
        </Empty>
      )}
      {rows.length > 0 && (
        <BulkActions alerts={alerts} selected={selection.selected} onSelect={selection.choose} />
      )}
      <ul aria-label="Open alerts" className="-mx-4 -mt-px" {...handlers}>
        {rows.map((alert) => (
          <AlertCard
            key={alert.id}
            alert={alert}
            now={now}
            onOpen={(id) => onChange({ ...place, alert: id })}
            selection={{
              isSelected: alert.state === 'open' && selection.isSelected(alert),
              onSelect: (isSelected) => selection.select(alert, isSelected),
            }}
          />
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
