import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { SelectField } from '@/components/ui/field';
import { Form } from '@/components/ui/form';
import { Popover } from '@/components/ui/popover';
import { OVERLAPS, type Overlap } from '@/features/keys/model/draft';

interface RotatePopoverProps {
  /** The name of what is rotated. */
  name: string;
  disabled: boolean;
  /** Gets the overlap in seconds. */
  onRotate: (seconds: number) => void;
}

/** Replaces a secret. For a while, the earlier one is accepted as well. */
export function RotatePopover({ name, disabled, onRotate }: RotatePopoverProps) {
  const [open, setOpen] = useState(false);
  const [overlap, setOverlap] = useState<Overlap>('86400');
  return (
    <Popover
      text="Rotate"
      label={`Rotate ${name}`}
      open={open}
      onOpenChange={setOpen}
      disabled={disabled}
    >
      <Form
        label={`Rotate ${name}`}
        className="flex flex-col gap-3"
        onSubmit={() => {
          setOpen(false);
          onRotate(Number(overlap));
        }}
      >
        <SelectField
          label="The earlier one stays valid for"
          hint="Time to bring the new one to every program. It is shown once."
          value={overlap}
          options={OVERLAPS}
          onChange={setOverlap}
        />
        <Button type="submit" look="solid" className="self-start">
          Rotate
        </Button>
      </Form>
    </Popover>
  );
}
