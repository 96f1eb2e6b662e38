import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { Popover } from '@/components/ui/popover';
import { Segmented } from '@/components/ui/segmented';
import { BACKFILL_HOURS, nameHours } from '@/features/sources/model/action';

const OPTIONS = BACKFILL_HOURS.map((hours) => ({
  value: String(hours),
  text: `${hours} h`,
  name: `${hours} ${hours === 1 ? 'hour' : 'hours'}`,
}));

interface BackfillPopoverProps {
  /** The name of the source. */
  name: string;
  disabled: boolean;
  onBackfill: (hours: number) => void;
}

/** A choice of how far back to hear a source again. */
export function BackfillPopover({ name, disabled, onBackfill }: BackfillPopoverProps) {
  const [open, setOpen] = useState(false);
  const [hours, setHours] = useState<string>(String(BACKFILL_HOURS[0]));
  const confirm = () => {
    setOpen(false);
    onBackfill(Number(hours));
  };
  return (
    <Popover
      text="Backfill"
      label={`Backfill ${name}`}
      open={open}
      onOpenChange={setOpen}
      disabled={disabled}
    >
      <div className="flex flex-col items-start gap-3">
        <p className="text-sm text-ink-soft">
          Fetches earlier posts, as far as the network still has them. Posts that are already stored
          are not counted again. Newer posts arrive once this is done.
        </p>
        <Segmented label="How far back" value={hours} options={OPTIONS} onChange={setHours} />
        <Button look="solid" onClick={confirm}>
          Backfill the last {nameHours(Number(hours))}
        </Button>
      </div>
    </Popover>
  );
}
