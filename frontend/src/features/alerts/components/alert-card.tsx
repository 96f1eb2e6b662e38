import { clsx } from 'clsx';
import { useState } from 'react';
import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { AlertIcon, CheckIcon } from '@/components/ui/icons';
import { Failure } from '@/components/ui/notice';
import { Popover } from '@/components/ui/popover';
import { useAcknowledgeAlert } from '@/features/alerts/api/use-alerts';
import type { Alert } from '@/api/wire';
import { SeverityBadge } from '@/features/alerts/components/severity-badge';
import { describeCount, describeValue } from '@/features/alerts/model/describe-alert';
import { NEW_SILENCE, SILENCE_PRESETS } from '@/features/alerts/silences/draft';
import { useStartSilence } from '@/features/alerts/silences/use-start-silence';
import { formatAgo, formatDate, formatElapsed } from '@/lib/format';

interface AlertCardProps {
  alert: Alert;
  now: number;
  onOpen: (id: string) => void;
}

/** One alert with its actions; the title opens the details. */
export function AlertCard({ alert, now, onOpen }: AlertCardProps) {
  const isOpen = alert.state === 'open';
  const count = describeCount(alert);
  const acknowledge = useAcknowledgeAlert();
  return (
    <li className="border-t border-line px-4 py-3">
      <div className="flex flex-wrap items-start gap-x-3 gap-y-2">
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
            className="rounded text-left text-[14px] leading-snug font-medium underline decoration-line-strong underline-offset-2 hover:decoration-brand"
            onClick={() => onOpen(alert.id)}
          >
            {alert.title}
          </button>
          <p className="mt-1 flex flex-wrap items-center gap-1.5">
            <SeverityBadge severity={alert.severity} />
            <AlertStateBadges alert={alert} />
          </p>
          <p className="mt-1 flex flex-wrap gap-x-2 text-[13px] text-ink-soft">
            <span className="font-medium text-ink">{describeValue(alert)}</span>
            {count !== null && <span>{count}</span>}
            <time dateTime={alert.opened_at} title={formatDate(alert.opened_at)}>
              {describeTime(alert, now)}
            </time>
            {alert.rule_name && <span>rule “{alert.rule_name}”</span>}
          </p>
          {alert.posts[0] !== undefined && (
            <p className="mt-1 truncate text-[13px] text-ink-soft" dir="auto">
              “{alert.posts[0].text}”
            </p>
          )}
        </div>
        {isOpen && (
          <div className="flex gap-1.5">
            {!alert.acknowledged_at && (
              <Button
                disabled={acknowledge.isPending}
                aria-label={`Acknowledge: ${alert.title}`}
                onClick={() => acknowledge.mutate(alert.id)}
              >
                {acknowledge.isPending ? 'Saving…' : 'Acknowledge'}
              </Button>
            )}
            {!alert.silenced && <SilenceButton alert={alert} />}
          </div>
        )}
      </div>
      {acknowledge.error !== null && (
        <Failure
          className="mt-2"
          what="The alert could not be acknowledged"
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
      {alert.silenced && <Badge tone="dashed">silenced</Badge>}
      {alert.inhibited_by && <Badge tone="dashed">inhibited</Badge>}
      {alert.flapping && <Badge tone="warning">flapping</Badge>}
    </>
  );
}

/** Silences one alert: its rule, in its scope. */
function SilenceButton({ alert }: { alert: Alert }) {
  const [open, setOpen] = useState(false);
  const save = useStartSilence();
  const silence = (seconds: number) =>
    save.mutate(
      {
        ...NEW_SILENCE,
        ruleId: alert.rule_id ?? '',
        dimension: alert.scope.dimension,
        key: alert.scope.key,
        comment: `Created from the alert “${alert.title}”`,
        seconds,
      },
      { onSuccess: () => setOpen(false) },
    );
  return (
    <Popover text="Silence" label={`Silence: ${alert.title}`} open={open} onOpenChange={setOpen}>
      <p className="text-[13px] font-semibold">Silence for</p>
      <div className="mt-2 flex flex-wrap gap-1.5">
        {SILENCE_PRESETS.map(({ seconds, text }) => (
          <Button key={seconds} disabled={save.isPending} onClick={() => silence(seconds)}>
            {text}
          </Button>
        ))}
      </div>
      <p className="caption mt-2">
        The alert stays in this list. You can end the silence early under Silences.
      </p>
      {save.error !== null && (
        <Failure className="mt-2" what="The alert could not be silenced" error={save.error} />
      )}
    </Popover>
  );
}

function describeTime({ opened_at, resolved_at }: Alert, now: number): string {
  const since = formatAgo(opened_at, now);
  if (!resolved_at) return `opened ${since}`;
  const lasted = formatElapsed(Date.parse(resolved_at) - Date.parse(opened_at));
  return `opened ${since}, lasted ${lasted}`;
}
