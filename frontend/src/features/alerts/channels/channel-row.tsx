import { Allowed } from '@/components/ui/allowed';
import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { ChangedBy } from '@/components/ui/changed-by';
import { Confirm, DeleteButton } from '@/components/ui/confirm';
import { Failure, Notice } from '@/components/ui/notice';
import { Switch } from '@/components/ui/switch';
import { CHANNELS } from '@/features/alerts/api/resources';
import { useRemove, useSave } from '@/features/alerts/api/use-resource';
import type { Channel, NewChannel } from '@/features/alerts/api/wire';
import {
  describeTarget,
  KIND_NAMES,
  readDraft,
  secretIn,
  toDraft,
} from '@/features/alerts/channels/draft';
import { describeAttempt } from '@/features/alerts/channels/notification-list';
import { useRotateSecret, useTestChannel } from '@/features/alerts/channels/use-channels';
import { capitalize, formatDate, formatDuration } from '@/lib/format';

interface ChannelRowProps {
  channel: Channel;
  onEdit: () => void;
  onLog: () => void;
  onSecret: (secret: string | null) => void;
}

/** One channel: its target, its state, and its actions. */
export function ChannelRow({ channel, onEdit, onLog, onSecret }: ChannelRowProps) {
  const save = useSave<NewChannel, Channel>(CHANNELS, channel.id);
  const remove = useRemove(CHANNELS);
  const test = useTestChannel();
  const rotate = useRotateSecret();
  const { name, kind } = channel;
  const failed = save.error ?? remove.error ?? rotate.error;
  const setEnabled = (enabled: boolean) =>
    save.mutate(readDraft({ draft: { ...toDraft(channel), enabled }, isSaved: true }).value);
  return (
    <li className="border-t border-line px-4 py-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <Allowed to="replace_notification_channel">
          <Switch
            label={`Enable ${name}`}
            checked={channel.enabled}
            disabled={save.isPending}
            onChange={setEnabled}
          />
        </Allowed>
        <div className="min-w-0 flex-1 basis-60 wrap-anywhere">
          <p className="flex flex-wrap items-center gap-2 text-sm font-medium">
            {name}
            <Badge>{KIND_NAMES[kind]}</Badge>
            {channel.service_alerts && <Badge tone="outline">service alerts</Badge>}
            {!channel.enabled && <Badge tone="outline">off</Badge>}
            {channel.failing_since && (
              <Badge tone="critical">failing since {formatDate(channel.failing_since)}</Badge>
            )}
          </p>
          <p className="text-sm break-all text-ink-soft">{describeTarget(channel)}</p>
          <p className="caption">{describeDelivery(channel)}</p>
          <ChangedBy by={channel.updated_by} at={channel.updated_at} />
        </div>
        <div className="flex flex-wrap gap-1 max-sm:*:px-2!">
          <Allowed to="test_notification_channel">
            <Button
              aria-label={`Test ${name}`}
              disabled={test.isPending}
              onClick={() => test.mutate(channel.id)}
            >
              {test.isPending ? 'Testing…' : 'Test'}
            </Button>
          </Allowed>
          <Button aria-label={`Log for ${name}`} onClick={onLog}>
            Log
          </Button>
          <Allowed to="replace_notification_channel">
            <Button aria-label={`Edit ${name}`} onClick={onEdit}>
              Edit
            </Button>
          </Allowed>
          {kind === 'webhook' && (
            <Allowed to="rotate_notification_channel_secret">
              <Confirm
                trigger={
                  <Button look="quiet" aria-label={`Rotate secret for ${name}`}>
                    Rotate secret
                  </Button>
                }
                question={`Rotate the signing secret for “${name}”?`}
                action="Rotate secret"
                onConfirm={() =>
                  rotate.mutate(channel.id, { onSuccess: (answer) => onSecret(secretIn(answer)) })
                }
              >
                The new secret is shown once. For a day, messages are signed with both the old and
                the new secret.
              </Confirm>
            </Allowed>
          )}
          <Allowed to="delete_notification_channel">
            <DeleteButton
              noun="notification channel"
              name={name}
              onDelete={() => remove.mutate(channel.id)}
            >
              Pending notifications are discarded. Rules keep their other channels.
            </DeleteButton>
          </Allowed>
        </div>
      </div>
      {channel.disabled_reason && (
        <Notice tone="warning" className="mt-2">
          Turned off automatically: {channel.disabled_reason}. Fix the problem, test the channel,
          then turn it back on.
        </Notice>
      )}
      {test.data !== undefined && (
        <Notice tone={test.data.error ? 'critical' : 'good'} className="mt-2">
          Test: {describeAttempt(test.data)}.
        </Notice>
      )}
      {test.error !== null && (
        <Failure
          className="mt-2"
          what="The notification channel could not be tested"
          error={test.error}
        />
      )}
      {failed !== null && (
        <Failure
          className="mt-2"
          what="The notification channel could not be changed"
          error={failed}
        />
      )}
    </li>
  );
}

function describeDelivery({ delivery, minimum_severity, last_success_at }: Channel): string {
  const when =
    delivery.mode === 'digest'
      ? `digest every ${formatDuration(delivery.every_seconds)}`
      : 'sent immediately';
  const severity =
    minimum_severity === 'critical' ? 'critical only' : `${minimum_severity} and above`;
  const last = last_success_at
    ? `last delivered ${formatDate(last_success_at)}`
    : 'nothing delivered yet';
  return `${capitalize(severity)}, ${when} · ${last}`;
}
