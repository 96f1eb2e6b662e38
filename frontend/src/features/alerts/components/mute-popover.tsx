import { useState } from 'react';
import { Allowed } from '@/components/ui/allowed';
import { Button } from '@/components/ui/button';
import { Failure } from '@/components/ui/notice';
import { Popover } from '@/components/ui/popover';
import type { Alert } from '@/api/wire';
import { SILENCE_PRESETS } from '@/features/alerts/silences/draft';
import { useSilenceAlerts } from '@/features/alerts/silences/use-start-silence';

interface MutePopoverProps {
  alerts: readonly Alert[];
  label: string;
  disabled?: boolean;
  onMuted?: () => void;
}

/** Silences alerts, each by its rule in its scope, for a chosen time. */
export function MutePopover({ alerts, label, disabled = false, onMuted }: MutePopoverProps) {
  const [open, setOpen] = useState(false);
  const save = useSilenceAlerts();
  const toggle = (next: boolean) => {
    // A failure is forgotten with the popover: later, what succeeded may no longer hold.
    if (!next && !save.isPending) save.reset();
    setOpen(next);
  };
  const mute = (seconds: number) =>
    save.mutate(
      { alerts, seconds },
      {
        onSuccess: () => {
          setOpen(false);
          onMuted?.();
        },
      },
    );
  return (
    <Allowed to="create_silence">
      <Popover text="Silence" label={label} open={open} onOpenChange={toggle} disabled={disabled}>
        <p className="text-sm font-semibold">Silence for</p>
        <div className="mt-2 flex flex-wrap gap-1.5">
          {SILENCE_PRESETS.map(({ seconds, text }) => (
            <Button key={seconds} disabled={save.isPending} onClick={() => mute(seconds)}>
              {text}
            </Button>
          ))}
        </div>
        <p className="caption mt-2">{describeEffect(alerts)}</p>
        {save.error !== null && (
          <Failure
            className="mt-2"
            what={
              alerts.length === 1
                ? 'The alert could not be silenced'
                : 'Not all alerts could be silenced'
            }
            error={save.error}
          />
        )}
      </Popover>
    </Allowed>
  );
}

/** A signal has no rule, so it can only be silenced together with all other alerts of its scope. */
function describeEffect(alerts: readonly Alert[]): string {
  const early = 'You can end the silence early under Silences.';
  const [first] = alerts;
  if (alerts.length > 1) {
    const together = alerts.every(({ rule_id }) => rule_id)
      ? 'The alerts stay in this list.'
      : 'An alert from a signal is silenced together with all other alerts of its scope.';
    return `${together} ${early}`;
  }
  if (first === undefined || first.rule_id) return `The alert stays in this list. ${early}`;
  const { dimension, key } = first.scope;
  const which = dimension === 'overall' ? 'with the scope “All posts”' : `about ${key}`;
  return `This alert comes from a signal, not a rule, so every alert ${which} is silenced. ${early}`;
}
