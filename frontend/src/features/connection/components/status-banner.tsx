import type { ReactNode } from 'react';
import { Button } from '@/components/ui/button';
import { formatPosts } from '@/lib/format';
import { formatClock } from '@/lib/time';
import type { Connection } from '@/live';

interface StatusBannerProps {
  connection: Connection;
  /** The time of the figures on the screen; null before the first ones. */
  asOf: string | null;
  pausedAt: number | null;
  held: number;
  onRetry: () => void;
  onResume: () => void;
}

/** Explains why the figures are not live, how old they are, and what to do. */
export function StatusBanner(props: StatusBannerProps) {
  const { connection, asOf, pausedAt, held } = props;
  const since = asOf === null ? '' : ` The figures below are from ${formatClock(asOf)}.`;
  if (connection.state === 'waiting' || connection.state === 'refused') {
    return (
      <Banner tone="warning" action={<Button onClick={props.onRetry}>Retry now</Button>}>
        <strong>No live data:</strong> {connection.why}.{since}
      </Banner>
    );
  }
  if (connection.state === 'connecting' && connection.attempt > 0) {
    return (
      <Banner tone="warning">
        <strong>Reconnecting.</strong>
        {since}
      </Banner>
    );
  }
  if (connection.state === 'offline') {
    return (
      <Banner tone="warning">
        <strong>This device is offline.</strong>
        {since} The dashboard reconnects automatically when the network is back.
      </Banner>
    );
  }
  if (pausedAt === null) return null;
  return (
    <Banner
      tone="plain"
      action={
        <Button look="solid" onClick={props.onResume}>
          Resume live view
        </Button>
      }
    >
      <strong>Paused at {formatClock(pausedAt)}.</strong>{' '}
      <span data-held={held}>
        {held === 0 ? 'No new posts since then.' : `${formatPosts(held)} since then.`}
      </span>{' '}
      Alerts stay live.
    </Banner>
  );
}

const TONES = {
  warning: 'border-warning/30 bg-warning-soft text-ink',
  plain: 'border-brand/30 bg-highlight text-ink',
} as const;

interface BannerProps {
  tone: keyof typeof TONES;
  action?: ReactNode;
  children: ReactNode;
}

function Banner({ tone, action, children }: BannerProps) {
  return (
    <div
      className={`flex flex-wrap items-center gap-x-4 gap-y-2 rounded-md border px-4 py-2 text-sm ${TONES[tone]}`}
    >
      <p className="min-w-0 flex-1">{children}</p>
      {action}
    </div>
  );
}
