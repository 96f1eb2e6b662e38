import { useState } from 'react';
import { Allowed } from '@/components/ui/allowed';
import { Button } from '@/components/ui/button';
import { Empty } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { Sheet } from '@/components/ui/sheet';
import { CHANNELS } from '@/features/alerts/api/resources';
import { useList } from '@/features/alerts/api/use-resource';
import type { Channel } from '@/features/alerts/api/wire';
import { ChannelEditor } from '@/features/alerts/channels/channel-editor';
import { ChannelRow } from '@/features/alerts/channels/channel-row';
import { NotificationList } from '@/features/alerts/channels/notification-list';
import { SecretSheet } from '@/features/alerts/channels/secret-sheet';

type Open =
  | { kind: 'edit'; channel: Channel | null }
  | { kind: 'secret'; name: string; secret: string }
  | { kind: 'log'; channel: Channel };

/** The notification channels, and the notifications that they could not deliver. */
export function ChannelsPanel({ onOpenAlert }: { onOpenAlert: (id: string) => void }) {
  const query = useList<Channel>(CHANNELS);
  const channels = query.data;
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => setOpen(null);
  const showSecret = (name: string, secret: string | null) =>
    setOpen(secret === null ? null : { kind: 'secret', name, secret });
  return (
    <div className="grid items-start gap-3 min-[1180px]:grid-cols-[minmax(0,7fr)_minmax(0,5fr)]">
      <Panel
        title="Notification channels"
        note="where alerts are sent"
        actions={
          <Allowed to="create_notification_channel">
            <Button look="solid" onClick={() => setOpen({ kind: 'edit', channel: null })}>
              New notification channel
            </Button>
          </Allowed>
        }
      >
        <QueryStatus query={query} what="notification channels" rows={5} />
        {channels?.length === 0 && (
          <Empty title="No notification channels yet">
            <Allowed to="create_notification_channel">
              Add a webhook, Slack, email or PagerDuty.{' '}
            </Allowed>
            Until then, alerts appear only here.
          </Empty>
        )}
        <ul aria-label="Notification channels" className="-mx-4 mt-2">
          {channels?.map((channel) => (
            <ChannelRow
              key={channel.id}
              channel={channel}
              onEdit={() => setOpen({ kind: 'edit', channel })}
              onLog={() => setOpen({ kind: 'log', channel })}
              onSecret={(secret) => showSecret(channel.name, secret)}
            />
          ))}
        </ul>
      </Panel>
      <Panel title="Failed notifications" note="every attempt failed">
        <NotificationList
          label="Failed notifications"
          state="dead"
          none="No failed notifications"
          nameChannel={(id) =>
            channels?.find((channel) => channel.id === id)?.name ?? 'deleted notification channel'
          }
          onOpenAlert={onOpenAlert}
        />
      </Panel>
      {open?.kind === 'edit' && (
        <ChannelEditor channel={open.channel} onSaved={showSecret} onClose={close} />
      )}
      {open?.kind === 'secret' && (
        <SecretSheet name={open.name} secret={open.secret} onClose={close} />
      )}
      {open?.kind === 'log' && (
        <Sheet
          title={`Notifications to “${open.channel.name}”`}
          description="Newest first, with every delivery attempt."
          onClose={close}
        >
          <NotificationList
            label="Notifications"
            channel={open.channel.id}
            none="No notifications yet"
            onOpenAlert={onOpenAlert}
          />
        </Sheet>
      )}
    </div>
  );
}
