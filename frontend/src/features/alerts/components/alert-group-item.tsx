import { clsx } from 'clsx';
import { useState } from 'react';
import { Allowed } from '@/components/ui/allowed';
import { Button } from '@/components/ui/button';
import { AlertIcon, CheckIcon, ChevronIcon } from '@/components/ui/icons';
import { AlertItem, SEVERITY_COLOURS } from '@/features/alerts/components/alert-item';
import { SeverityBadge } from '@/features/alerts/components/severity-badge';
import { byUrgency } from '@/features/alerts/model/by-urgency';
import { describeGroup, type AlertGroup } from '@/features/alerts/model/group-alerts';
import { formatAge, formatDate } from '@/lib/format';

interface AlertGroupItemProps {
  group: AlertGroup;
  now: number;
  isBusy: (id: string) => boolean;
  onAcknowledge: (request: { ids: readonly string[]; undo: boolean }) => void;
}

/** Alerts of one rule as one row, which unfolds. */
export function AlertGroupItem({ group, now, isBusy, onAcknowledge }: AlertGroupItemProps) {
  const [isUnfolded, setUnfolded] = useState(false);
  const { alerts, isFolded } = group;
  const items = alerts.map((alert) => (
    <AlertItem
      key={alert.id}
      alert={alert}
      now={now}
      busy={isBusy(alert.id)}
      onAcknowledge={onAcknowledge}
    />
  ));
  const [worst] = alerts.toSorted(byUrgency);
  if (!isFolded || worst === undefined) return items;
  const isOpen = worst.state === 'open';
  const waiting = alerts.filter(({ acknowledged_at }) => isOpen && !acknowledged_at);
  const newest = alerts.reduce((a, b) => (a.opened_at > b.opened_at ? a : b));
  const title = describeGroup(group);
  const Icon = isOpen ? AlertIcon : CheckIcon;
  return (
    <li className={clsx('border-t border-line', !isOpen && 'text-ink-soft')}>
      <div className="flex items-start gap-2 px-4 py-2">
        <Icon
          className={clsx(
            'mt-0.5 size-4 shrink-0',
            isOpen ? SEVERITY_COLOURS[worst.severity] : 'text-good',
          )}
        />
        <div className="min-w-0 flex-1">
          <button
            type="button"
            aria-expanded={isUnfolded}
            className="rounded-md text-left text-sm leading-snug font-medium break-words hover:underline"
            onClick={() => setUnfolded(!isUnfolded)}
          >
            {title}
            <ChevronIcon
              className={clsx('ml-1 inline size-3.5 text-ink-faint', isUnfolded && 'rotate-180')}
            />
          </button>
          <p className="caption mt-0.5 flex flex-wrap items-center gap-x-2 gap-y-1">
            {isOpen && <SeverityBadge severity={worst.severity} />}
            {isOpen ? (
              <span>
                {waiting.length === 0 ? 'all acknowledged' : `${waiting.length} to acknowledge`}
              </span>
            ) : (
              <span>resolved</span>
            )}
            <time dateTime={newest.opened_at} title={formatDate(newest.opened_at)}>
              latest {formatAge(newest.opened_at, now)}
            </time>
          </p>
        </div>
        {waiting.length > 0 && (
          <Allowed to="acknowledge_alert">
            <Button
              className="h-7! px-2!"
              aria-label={`Acknowledge all: ${title}`}
              onClick={({ detail }) => {
                if (detail < 2) onAcknowledge({ ids: waiting.map(({ id }) => id), undo: false });
              }}
            >
              Acknowledge all
            </Button>
          </Allowed>
        )}
      </div>
      {isUnfolded && (
        <ul aria-label={title} className="border-l-2 border-line-strong">
          {items}
        </ul>
      )}
    </li>
  );
}
