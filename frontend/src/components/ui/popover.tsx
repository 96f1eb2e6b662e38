import { Popover as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { Button } from '@/components/ui/button';
import { ChevronIcon } from '@/components/ui/icons';

interface PopoverProps {
  /** The text of the button. */
  text: ReactNode;
  /** The accessible name of the button and the popover. */
  label?: string;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  chosen?: boolean;
  children: ReactNode;
}

/** A button that opens a popover. */
export function Popover({ text, label, open, onOpenChange, chosen, children }: PopoverProps) {
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Trigger asChild>
        <Button aria-label={label} className={chosen ? 'border-brand! bg-highlight!' : ''}>
          {text}
          <ChevronIcon className="size-3.5 text-ink-faint" />
        </Button>
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align="start"
          sideOffset={4}
          collisionPadding={12}
          aria-label={label}
          className="thin-scroll z-50 max-h-[var(--radix-popover-content-available-height)] w-[min(21rem,calc(100vw-1.5rem))] overflow-y-auto rounded-lg border border-line bg-raised p-3 shadow-lg outline-none [&_input]:bg-surface [&_select]:bg-surface"
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
