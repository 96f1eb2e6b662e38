import type { ServiceAlert, SystemStatus } from '@/api/wire';
import { Badge } from '@/components/ui/badge';
import { Panel } from '@/components/ui/panel';
import { formatCount } from '@/lib/format';
import { formatDate } from '@/lib/time';

/** The active service alerts, and how many destinations they notify. */
export function ServiceAlertsPanel({ system }: { system: SystemStatus }) {
  const { service_alerts: alerts, service_alert_destinations: n_destinations } = system;
  return (
    <Panel title="Service alerts" note={describeDestinations(n_destinations)}>
      {alerts.length === 0 ? (
        <p className="py-2 text-sm text-ink-soft">No service alerts.</p>
      ) : (
        <ul>
          {alerts.map((alert) => (
            <Item key={alert.id} alert={alert} />
          ))}
        </ul>
      )}
      {n_destinations === 0 && (
        <p className="caption pt-1">
          Set <code>GROUNDSWELL_OPERATOR_CHANNELS</code>, or turn on “Service alerts” for a
          notification channel on the Alerts page.
        </p>
      )}
    </Panel>
  );
}

function Item({ alert }: { alert: ServiceAlert }) {
  return (
    <li className="flex flex-col gap-0.5 border-t border-line py-2 first:border-t-0">
      <p className="flex flex-wrap items-center gap-2 text-sm font-medium">
        <Badge tone={alert.severity === 'critical' ? 'critical' : 'warning'}>
          {alert.severity}
        </Badge>
        <span className="min-w-0 wrap-anywhere">{alert.title}</span>
      </p>
      <p className="caption wrap-anywhere">
        {alert.detail !== '' && `${alert.detail} · `}since {formatDate(alert.since)}
      </p>
    </li>
  );
}

function describeDestinations(n: number): string {
  if (n === 0) return 'no one is notified';
  return `${formatCount(n)} ${n === 1 ? 'destination is' : 'destinations are'} notified`;
}
