import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { Confirm } from '@/components/ui/confirm';
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

/** One channel: where it leads, how it fares, and everything that can be done with it. */
export function ChannelRow({ channel, onEdit, onLog, onSecret }: ChannelRowProps) {
  const save = useSave<NewChannel, Channel>(CHANNELS);
  const remove = useRemove(CHANNELS);
  const test = useTestChannel();
  const rotate = useRotateSecret();
  const { name, kind } = channel;
  const failed = save.error ?? remove.error ?? rotate.error;
  const switchTo = (enabled: boolean) => {
    const { channel: body } = readDraft({ draft: { ...toDraft(channel), enabled }, isKnown: true });
    save.mutate({ id: channel.id, body });
  };
  return (
    <li className="border-t border-line px-4 py-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <Switch
          label={`${name}: enabled`}
          checked={channel.enabled}
          disabled={save.isPending}
          onChange={switchTo}
        />
        <div className="min-w-0 flex-1 basis-60 wrap-anywhere">
          <p className="flex flex-wrap items-center gap-2 text-[13.5px] font-medium">
            {name}
            <Badge>{KIND_NAMES[kind]}</Badge>
            {channel.service_alerts && <Badge tone="outline">service alerts</Badge>}
            {!channel.enabled && <Badge tone="outline">off</Badge>}
            {channel.failing_since && (
              <Badge tone="critical">failing since {formatDate(channel.failing_since)}</Badge>
            )}
          </p>
          <p className="text-[13px] break-all text-ink-soft">{describeTarget(channel)}</p>
          <p className="caption">{describeHabits(channel)}</p>
        </div>
        <div className="flex flex-wrap gap-1">
          <Button
            aria-label={`Test ${name}`}
            disabled={test.isPending}
            onClick={() => test.mutate(channel.id)}
          >
            {test.isPending ? 'Testing…' : 'Test'}
          </Button>
          <Button aria-label={`Log of ${name}`} onClick={onLog}>
            Log
          </Button>
          <Button aria-label={`Edit ${name}`} onClick={onEdit}>
            Edit
          </Button>
          {kind === 'webhook' && (
            <Confirm
              trigger={
                <Button look="quiet" aria-label={`New secret for ${name}`}>
                  New secret
                </Button>
              }
              question={`Give “${name}” a new signing secret?`}
              action="Make a new secret"
              onConfirm={() =>
                rotate.mutate(channel.id, { onSuccess: (answer) => onSecret(secretIn(answer)) })
              }
            >
              The one it has now signs beside the new one for a day. The new one is shown once.
            </Confirm>
          )}
          <Confirm
            trigger={
              <Button look="quiet" aria-label={`Delete ${name}`}>
                Delete
              </Button>
            }
            question={`Delete the channel “${name}”?`}
            action="Delete"
            onConfirm={() => remove.mutate(channel.id)}
          >
            What waits for it is not sent. Rules that name others too go on without it.
          </Confirm>
        </div>
      </div>
      {channel.disabled_reason && (
        <Notice tone="warning" className="mt-2">
          Switched off by itself: {channel.disabled_reason}. Mend it, test it, and switch it on.
        </Notice>
      )}
      {test.data !== undefined && (
        <Notice tone={test.data.error ? 'critical' : 'good'} className="mt-2">
          Test: {describeAttempt(test.data)}.
        </Notice>
      )}
      {test.error !== null && (
        <Failure className="mt-2" what="The test failed" error={test.error} />
      )}
      {failed !== null && (
        <Failure className="mt-2" what="The channel was not changed" error={failed} />
      )}
    </li>
  );
}

function describeHabits({ delivery, minimum_severity, last_success_at }: Channel): string {
  const when =
    delivery.mode === 'digest'
      ? `gathered for ${formatDuration(delivery.every_seconds)}`
      : 'sent at once';
  const severity =
    minimum_severity === 'critical' ? 'only critical' : `${minimum_severity} and worse`;
  const last = last_success_at ? `last arrived ${formatDate(last_success_at)}` : 'nothing sent yet';
  return `${capitalize(severity)}, ${when} · ${last}`;
}
