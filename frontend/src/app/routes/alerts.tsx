import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo } from 'react';
import { Allowed } from '@/components/ui/allowed';
import { AlertsView } from '@/features/alerts/components/alerts-view';
import { parsePlace, placeToSearch, type AlertsPlace } from '@/features/alerts/model/place';
import { PushToggle } from '@/features/pwa/components/push-toggle';
import { useLive } from '@/live/store';

/** Alerts, rules, silences, notification channels and signals. */
export function AlertsPage() {
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const place = useMemo(() => parsePlace(search), [search]);
  const onChange = useCallback(
    (next: AlertsPlace) => void navigate({ to: '/alerts', search: placeToSearch(next) }),
    [navigate],
  );
  useEffect(() => {
    document.title = 'Alerts · Groundswell';
  }, []);
  const pushed = useLive((live) => live.alerts);
  return (
    <>
      <h1 className="sr-only">Alerts</h1>
      <div className="mb-2 flex sm:justify-end">
        <Allowed to="create_notification_channel">
          <PushToggle />
        </Allowed>
      </div>
      <AlertsView place={place} onChange={onChange} pushed={pushed} />
    </>
  );
}
