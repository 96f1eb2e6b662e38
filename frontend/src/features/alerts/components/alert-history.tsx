import { clsx } from 'clsx';
import { Button } from '@/components/ui/button';
import { Empty } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { FilterSelect } from '@/components/ui/select';
import { useAlertHistory } from '@/features/alerts/api/use-alert-list';
import { AlertCard } from '@/features/alerts/components/alert-card';
import { KINDS, STATES, type AlertsPlace } from '@/features/alerts/model/place';
import { capitalize } from '@/lib/format';
import { useNow } from '@/lib/use-now';

interface AlertHistoryProps {
  place: AlertsPlace;
  onChange: (place: AlertsPlace) => void;
}

const toOptions = (values: readonly string[]) =>
  values.map((value) => ({ value, text: capitalize(value) }));

/** All alerts, filtered by state and type. */
export function AlertHistory({ place, onChange }: AlertHistoryProps) {
  const { state, rule } = place;
  const history = useAlertHistory({ state, rule });
  const now = useNow(30_000);
  const alerts = history.data?.pages.flatMap(({ items }) => items) ?? [];
  const set = (changes: { state?: string | undefined; rule?: string | undefined }) => {
    const next: AlertsPlace = { tab: 'history' };
    const wanted = { state, rule, ...changes };
    const nextState = STATES.find((known) => known === wanted.state);
    const nextRule = KINDS.find((known) => known === wanted.rule);
    if (nextState !== undefined) next.state = nextState;
    if (nextRule !== undefined) next.rule = nextRule;
    onChange(next);
  };
  return (
    <Panel
      title="History"
      actions={
        <>
          <FilterSelect
            label="State"
            value={state}
            options={toOptions(STATES)}
            onChange={(value) => set({ state: value })}
          />
          <FilterSelect
            label="Type"
            value={rule}
            options={toOptions(KINDS)}
            onChange={(value) => set({ rule: value })}
          />
        </>
      }
    >
      <QueryStatus query={history} what="alert history" rows={6} />
      {history.data !== undefined && alerts.length === 0 && (
        <Empty title={(state ?? rule) ? 'No matching alerts' : 'No alerts yet'} />
      )}
      <ul
        aria-label="Alerts, newest first"
        className={clsx('-mx-4 mt-2', history.isPlaceholderData && 'opacity-60')}
      >
        {alerts.map((alert) => (
          <AlertCard
            key={alert.id}
            alert={alert}
            now={now}
            onOpen={(id) => onChange({ ...place, alert: id })}
          />
        ))}
      </ul>
      {history.hasNextPage && (
        <Button
          className="mt-2 self-center"
          disabled={history.isFetchingNextPage}
          onClick={() => void history.fetchNextPage()}
        >
          {history.isFetchingNextPage ? 'Loading…' : 'Show more'}
        </Button>
      )}
    </Panel>
  );
}
