import { useEffect } from 'react';
import { AlertsPanel } from '@/features/alerts/components/alerts-panel';
import { useLive } from '@/live/store';

/** Everything that needed a person, and what still does. */
export function AlertsPage() {
  useEffect(() => {
    document.title = 'Alerts · Groundswell';
  }, []);
  const pushed = useLive((live) => live.alerts);
  return (
    <>
      <h1 className="sr-only">Alerts</h1>
      <AlertsPanel pushed={pushed} />
    </>
  );
}
