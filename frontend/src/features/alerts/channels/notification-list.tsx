import { Allowed } from '@/components/ui/allowed';
import { Badge, type Tone } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { Empty, Failure, Skeleton } from '@/components/ui/notice';
import type { Attempt, Notification } from '@/features/alerts/api/wire';
import { useNotifications, useResend } from '@/features/alerts/channels/use-channels';
import { formatDate } from '@/lib/format';

const TONES: Record<Notification['state'], Tone> = {
  pending: 'warning',
  sent: 'good',
  dead: 'critical',
};

interface NotificationListProps {
  label: string;
  channel?: string;
  state?: Notification['state'];
  /** Shown if there are none. */
  none: string;
  /** Names a notification's channel, in a list for several channels. */
  nameChannel?: (id: string) => string;
  onOpenAlert: (id: string) => void;
}

/** Notifications with their delivery attempts. */
export function NotificationList(props: NotificationListProps) {
  const { label, channel, state, none, nameChannel, onOpenAlert } = props;
  const { data, error, isPending, refetch } = useNotifications({
    ...(channel !== undefined && { channel }),
    ...(state !== undefined && { state }),
  });
  const resend = useResend();
  if (isPending) return <Skeleton rows={4} label={`Loading ${label.toLowerCase()}`} />;
  if (error !== null) {
    return (
      <Failure what={`${label} could not be loaded`} error={error} onRetry={() => void refetch()} />
    );
  }
  if (data.length === 0) return <Empty title={none} />;
  return (
    <>
      {resend.error !== null && (
        <Failure what="The notification could not be resent" error={resend.error} />
      )}
      <ul aria-label={label} className="divide-y divide-line">
        {data.map((notification) => (
          <li key={notification.id} className="py-2.5 text-sm wrap-anywhere">
            <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
              <Badge tone={TONES[notification.state]}>{notification.state}</Badge>
              {nameChannel !== undefined && (
                <span className="font-medium">{nameChannel(notification.channel)}</span>
              )}
              <button
                type="button"
                className="underline decoration-line-strong underline-offset-2 hover:decoration-brand"
                onClick={() => onOpenAlert(notification.alert)}
              >
                alert {notification.event}
              </button>
              <time className="caption" dateTime={notification.created_at}>
                {formatDate(notification.created_at)}
              </time>
              {notification.state !== 'pending' && (
                <Allowed to="resend_notification">
                  <Button
                    className="ml-auto h-7! px-2!"
                    disabled={resend.isPending && resend.variables === notification.id}
                    onClick={() => resend.mutate(notification.id)}
                  >
                    Resend
                  </Button>
                </Allowed>
              )}
            </div>
            {notification.next_attempt_at && (
              <p className="caption">Next attempt {formatDate(notification.next_attempt_at)}.</p>
            )}
            <ol aria-label="Attempts" className="mt-1 space-y-0.5">
              {notification.attempts.map((attempt) => (
                <li key={attempt.at} className="caption">
                  {formatDate(attempt.at)}: {describeAttempt(attempt)}
                </li>
              ))}
            </ol>
          </li>
        ))}
      </ul>
    </>
  );
}

/** `delivered, 204 in 61 ms`, or the error. */
export function describeAttempt({ status, error, duration_ms }: Omit<Attempt, 'at'>): string {
  const took = ` in ${duration_ms} ms`;
  const answered = status ? `, ${status}` : '';
  return `${error ?? 'delivered'}${answered}${took}`;
}
