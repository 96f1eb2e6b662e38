import type { Alert } from '@/api/wire';
import { Tabs } from '@/components/ui/tabs';
import { useOpenAlerts } from '@/features/alerts/api/use-open-alerts';
import { ChannelsPanel } from '@/features/alerts/channels/channels-panel';
import { AlertHistory } from '@/features/alerts/components/alert-history';
import { AlertSheet } from '@/features/alerts/components/alert-sheet';
import { OpenAlerts } from '@/features/alerts/components/open-alerts';
import { TAB_NAMES, TABS, type AlertsPlace } from '@/features/alerts/model/place';
import { RulesPanel } from '@/features/alerts/rules/rules-panel';
import { SignalsPanel } from '@/features/alerts/signals/signals-panel';
import { SilencesPanel } from '@/features/alerts/silences/silences-panel';
import { formatSome } from '@/lib/format';

interface AlertsViewProps {
  place: AlertsPlace;
  onChange: (place: AlertsPlace) => void;
  /** Alerts received over the socket, in any order. */
  pushed: readonly Alert[];
}

/** Alerts, rules, silences, notification channels and signals. */
export function AlertsView({ place, onChange, pushed }: AlertsViewProps) {
  const open = useOpenAlerts(pushed);
  const openAlert = (alert: string) => onChange({ ...place, alert });
  const closed = { ...place };
  delete closed.alert;
  return (
    <>
      <Tabs
        label="Alert sections"
        value={place.tab}
        options={TABS.map((value) => ({
          value,
          text: TAB_NAMES[value],
          count:
            value === 'open' && open.alerts.length > 0
              ? formatSome(open.alerts.length, open.isCut)
              : undefined,
        }))}
        onChange={(tab) => onChange({ tab })}
      >
        {place.tab === 'open' && <OpenAlerts open={open} place={place} onChange={onChange} />}
        {place.tab === 'history' && <AlertHistory place={place} onChange={onChange} />}
        {place.tab === 'rules' && <RulesPanel />}
        {place.tab === 'silences' && <SilencesPanel />}
        {place.tab === 'channels' && <ChannelsPanel onOpenAlert={openAlert} />}
        {place.tab === 'signals' && <SignalsPanel />}
      </Tabs>
      {place.alert !== undefined && (
        <AlertSheet id={place.alert} onClose={() => onChange(closed)} />
      )}
    </>
  );
}
