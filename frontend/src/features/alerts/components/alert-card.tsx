import { clsx } from 'clsx';
import { Badge } from '@/components/ui/badge';
import { Checkbox } from '@/components/ui/checkbox';
import { AlertIcon, CheckIcon } from '@/components/ui/icons';
import { Failure } from '@/components/ui/notice';
import { failureOf, useAcknowledge } from '@/features/alerts/api/use-acknowledge';
import type { Alert } from '@/api/wire';
import { AcknowledgeButton } from '@/features/alerts/components/acknowledge-button';
import { AssignAlerts } from '@/features/alerts/components/assign-alerts';
import { MutePopover } from '@/features/alerts/components/mute-popover';
import { SeverityBadge } from '@/features/alerts/components/severity-badge';
import { describeCount, describeValue } from '@/features/alerts/model/describe-alert';
import { formatAgo, formatDate, formatElapsed } from '@/lib/format';
import { useMay } from '@/lib/me';

interface AlertCardProps {
  alert: Alert;
  now: number;
  onOpen: (id: string) => void;
  /** Whether the alert is selected, and what changes that; without it there is no checkbox. */
  selection?: { isSelected: boolean; onSelect: (isSelected: boolean) => void };
}

/** One alert with its actions; the title opens the details. */
export function AlertCard({ alert, now, onOpen, selection }: AlertCardProps) {
  const isOpen = alert.state === 'open';
  const count = describeCount(alert);
  const acknowledge = useAcknowledge();
  const canAct = useMay()('acknowledge_alert');
  return (
    <li className="border-t border-line px-4 py-3">
      <div className="flex flex-wrap items-start gap-x-3 gap-y-2">
        {selection !== undefined && canAct && (
          <Checkbox
            label={`Select: ${alert.title}`}
            className="mt-0.5"
            disabled={!isOpen}
            checked={selection.isSelected}
            onChange={selection.onSelect}
          />
        )}
        {isOpen ? (
          <AlertIcon
            className={clsx('mt-0.5 size-4.5 shrink-0', {
              'text-critical': alert.severity === 'critical',
              'text-warning': alert.severity === 'warning',
              'text-brand': alert.severity === 'info',
            })}
          />
        ) : (
          <CheckIcon className="mt-0.5 size-4.5 shrink-0 text-good" />
        )}
        <div className="min-w-0 flex-1 basis-60 wrap-anywhere">
          <button
            type="button"
            aria-haspopup="dialog"
            className="rounded-md text-left text-sm leading-snug font-medium underline decoration-line-strong underline-offset-2 hover:decoration-brand"
            onClick={() => onOpen(alert.id)}
          >
            {alert.title}
          </button>
          <p className="mt-1 flex flex-wrap items-center gap-1.5">
            <SeverityBadge severity={alert.severity} />
            <AlertStateBadges alert={alert} />
          </p>
          <p className="mt-1 flex flex-wrap gap-x-2 text-sm text-ink-soft">
            <span className="font-medium text-ink">{describeValue(alert)}</span>
            {count !== null && <span>{count}</span>}
            <time dateTime={alert.opened_at} title={formatDate(alert.opened_at)}>
              {describeTime(alert, now)}
            </time>
            {alert.rule_name && <span>rule “{alert.rule_name}”</span>}
            {alert.comments > 0 && <span>{formatComments(alert.comments)}</span>}
          </p>
          {alert.posts[0] !== undefined && (
            <p className="mt-1 truncate text-sm text-ink-soft" dir="auto">
              “{alert.posts[0].text}”
            </p>
          )}
        </div>
        {isOpen && (
          <div className="flex gap-1.5">
            <AcknowledgeButton
              alert={alert}
              busy={acknowledge.isPending}
              onAcknowledge={acknowledge.mutate}
            />
            <AssignAlerts alerts={[alert]} label={`Assign: ${alert.title}`} />
            {!alert.silenced && <MutePopover alerts={[alert]} label={`Silence: ${alert.title}`} />}
          </div>
        )}
      </div>
      {acknowledge.error !== null && (
        <Failure
          className="mt-2"
          what={failureOf(acknowledge.variables)}
          error={acknowledge.error}
        />
      )}
    </li>
  );
}

/** The state of an alert, apart from its severity, as badges. */
export function AlertStateBadges({ alert }: { alert: Alert }) {
  return (
    <>
      <Badge tone={alert.state === 'open' ? 'outline' : 'good'}>
        {alert.phase ?? (alert.state === 'open' ? 'firing' : 'resolved')}
      </Badge>
      <Badge>{alert.rule}</Badge>
      {alert.acknowledged_at && <Badge tone="good">acknowledged</Badge>}
      {alert.assignee != null && <Badge tone="outline">{alert.assignee}</Badge>}
      {alert.silenced && <Badge tone="dashed">silenced</Badge>}
      {alert.inhibited_by && <Badge tone="dashed">inhibited</Badge>}
      {alert.flapping && <Badge tone="warning">flapping</Badge>}
    </>
  );
}

function describeTime({ opened_at, resolved_at }: Alert, now: number): string {
  const since = formatAgo(opened_at, now);
  if (!resolved_at) return `opened ${since}`;
  const lasted = formatElapsed(Date.parse(resolved_at) - Date.parse(opened_at));
  return `opened ${since}, lasted ${lasted}`;
}

function formatComments(n: number): string {
  return n === 1 ? '1 comment' : `${n} comments`;
}
