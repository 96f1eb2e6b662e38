import { clsx } from 'clsx';
import type { Alert } from '@/api/wire';
import { Badge } from '@/components/ui/badge';
import { AlertIcon, CheckIcon } from '@/components/ui/icons';
import { PageLink } from '@/components/ui/page-link';
import { AcknowledgeButton } from '@/features/alerts/components/acknowledge-button';
import { SeverityBadge } from '@/features/alerts/components/severity-badge';
import { SourceBadge } from '@/components/ui/source-badge';
import { describeCount, describeValue } from '@/features/alerts/model/describe-alert';
import { formatAge, formatDate, formatScore } from '@/lib/format';

export const SEVERITY_COLOURS = {
  critical: 'text-critical',
  warning: 'text-warning',
  info: 'text-brand',
} as const;

interface AlertItemProps {
  alert: Alert;
  now: number;
  busy: boolean;
  onAcknowledge: (request: { ids: readonly string[]; undo: boolean }) => void;
}

/** One alert on the Live page, with its value, age and sample posts. */
export function AlertItem({ alert, now, busy, onAcknowledge }: AlertItemProps) {
  const isOpen = alert.state === 'open';
  const count = describeCount(alert);
  return (
    <li className={clsx('border-t border-line px-4 py-2', !isOpen && 'text-ink-soft')}>
      <div className="flex items-start gap-2">
        {isOpen ? (
          <AlertIcon className={clsx('mt-0.5 size-4 shrink-0', SEVERITY_COLOURS[alert.severity])} />
        ) : (
          <CheckIcon className="mt-0.5 size-4 shrink-0 text-good" />
        )}
        <div className="min-w-0 flex-1">
          <PageLink
            to="/alerts"
            search={{ alert: alert.id }}
            className="text-sm leading-snug font-medium break-words no-underline! hover:underline!"
          >
            {alert.title}
          </PageLink>
          <p className="caption mt-0.5 flex flex-wrap items-center gap-x-2 gap-y-1">
            {isOpen ? <SeverityBadge severity={alert.severity} /> : <Badge>resolved</Badge>}
            {isOpen && alert.acknowledged_at && <Badge tone="good">acknowledged</Badge>}
            <span>{describeValue(alert)}</span>
            {count !== null && <span>{count}</span>}
            <time dateTime={alert.opened_at} title={formatDate(alert.opened_at)}>
              {formatAge(alert.opened_at, now)}
            </time>
          </p>
        </div>
        {isOpen && (
          <AcknowledgeButton
            className="h-7! px-2!"
            alert={alert}
            busy={busy}
            onAcknowledge={onAcknowledge}
          />
        )}
      </div>
      {alert.posts.length > 0 && <AlertPosts alert={alert} />}
    </li>
  );
}

function AlertPosts({ alert }: { alert: Alert }) {
  return (
    <details className="mt-1 pl-6">
      <summary className="caption w-fit rounded-md hover:text-ink">
        {alert.posts.length === 1
          ? 'Post behind this alert'
          : `${alert.posts.length} posts behind this alert`}
      </summary>
      <ul className="mt-1 space-y-1.5">
        {alert.posts.map((post) => (
          <li key={post.uuid} className="border-l-2 border-line-strong pl-2 text-sm leading-snug">
            <span className="break-words" dir="auto">
              {post.text}
            </span>
            <span className="caption mt-0.5 flex items-center gap-1.5">
              {post.platform} <SourceBadge source={post.source} />
              {alert.rule === 'churn' && `churn ${formatScore(post.churn_risk)}`}
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}
