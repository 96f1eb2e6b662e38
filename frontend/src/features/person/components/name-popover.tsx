import { useState, type ReactNode } from 'react';
import { PersonIcon } from '@/components/ui/icons';
import { Popover } from '@/components/ui/popover';
import { NameForm } from '@/features/person/components/name-form';
import { usePersonName } from '@/lib/person';

interface NamePopoverProps {
  /** Below the form. */
  children?: ReactNode;
}

/** Asks for the name of the person at this browser. It opens as soon as it is loaded, because a click loaded it. */
export function NamePopover({ children }: NamePopoverProps) {
  const name = usePersonName();
  const [open, setOpen] = useState(true);
  return (
    <Popover
      look="quiet"
      text={<PersonIcon />}
      label={name === '' ? 'Your name' : `Your name: ${name}`}
      open={open}
      onOpenChange={setOpen}
    >
      <NameForm onSaved={() => setOpen(false)} />
      {children}
    </Popover>
  );
}
