import { Button } from '@/components/ui/button';
import { BellIcon } from '@/components/ui/icons';
import { usePush } from '@/features/pwa/api/use-push';
import { whyNoPush } from '@/features/pwa/model/push';
import { capitalize } from '@/lib/format';

/** Turns push notifications on this device on or off. */
export function PushToggle() {
  const { isOn, isPending, change } = usePush();
  const why = whyNoPush();
  if (why !== null) {
    return (
      <p className="caption flex max-w-md items-center gap-1.5">
        <BellIcon className="size-4 shrink-0" /> {why}
      </p>
    );
  }
  const isBusy = isPending || change.isPending;
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
      <Button
        look={isOn === true ? 'outline' : 'solid'}
        disabled={isBusy}
        onClick={() => change.mutate(isOn !== true)}
      >
        <BellIcon />
        {isOn === true ? 'Stop sending alerts to this device' : 'Send alerts to this device'}
      </Button>
      {change.error !== null && (
        <p role="alert" className="text-sm text-critical">
          {capitalize(change.error.message)}.
        </p>
      )}
    </div>
  );
}
