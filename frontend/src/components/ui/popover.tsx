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
  /** A quiet button has an icon for its text, and no chevron. */
  look?: 'outline' | 'quiet';
  disabled?: boolean;
  children: ReactNode;
}

/** A button that opens a popover. */
export function Popover(props: PopoverProps) {
  const { text, label, open, onOpenChange, chosen, look = 'outline', disabled, children } = props;
  const isQuiet = look === 'quiet';
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Trigger asChild>
        <Button
          look={look}
          square={isQuiet}
          aria-label={label}
          title={isQuiet ? label : undefined}
          disabled={disabled}
          className={chosen ? 'border-brand! bg-highlight!' : ''}
        >
          {text}
          {!isQuiet && <ChevronIcon className="size-3.5 text-ink-faint" />}
        </Button>
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align="start"
          sideOffset={4}
          collisionPadding={12}
          aria-label={label}
          className="thin-scroll z-50 max-h-[var(--radix-popover-content-available-height)] w-[min(21rem,calc(100vw-1.5rem))] overflow-y-auto rounded-md border border-line bg-raised p-3 shadow-panel outline-none [&_input]:bg-surface [&_select]:bg-surface"
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
