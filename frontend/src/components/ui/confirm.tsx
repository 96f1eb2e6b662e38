import { AlertDialog } from 'radix-ui';
import type { ReactNode } from 'react';
import { Button } from '@/components/ui/button';

interface ConfirmProps {
  /** The button that opens the dialog. */
  trigger: ReactNode;
  question: string;
  /** What will happen, and what will not. */
  children: ReactNode;
  /** The text of the confirm button. */
  action: string;
  onConfirm: () => void;
}

/** Asks for confirmation. Focus starts on Cancel. */
export function Confirm({ trigger, question, children, action, onConfirm }: ConfirmProps) {
  return (
    <AlertDialog.Root>
      <AlertDialog.Trigger asChild>{trigger}</AlertDialog.Trigger>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="fixed inset-0 z-40 bg-overlay" />
        <AlertDialog.Content className="fixed top-1/2 left-1/2 z-50 w-[min(28rem,calc(100vw-2rem))] -translate-x-1/2 -translate-y-1/2 rounded-md border border-line bg-raised p-5 shadow-panel">
          <AlertDialog.Title className="text-base font-semibold">{question}</AlertDialog.Title>
          <AlertDialog.Description className="mt-1.5 text-sm text-ink-soft">
            {children}
          </AlertDialog.Description>
          <div className="mt-4 flex justify-end gap-2">
            <AlertDialog.Cancel asChild>
              <Button>Cancel</Button>
            </AlertDialog.Cancel>
            <AlertDialog.Action asChild>
              <Button look="solid" onClick={onConfirm}>
                {action}
              </Button>
            </AlertDialog.Action>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

interface DeleteButtonProps {
  /** What is deleted: `rule`. */
  noun: string;
  name: string;
  /** What deleting it affects. */
  children: ReactNode;
  className?: string;
  onDelete: () => void;
}

/** A button that deletes an item once the person confirms. */
export function DeleteButton({ noun, name, children, className, onDelete }: DeleteButtonProps) {
  return (
    <Confirm
      trigger={
        <Button look="quiet" className={className} aria-label={`Delete ${name}`}>
          Delete
        </Button>
      }
      question={`Delete the ${noun} “${name}”?`}
      action="Delete"
      onConfirm={onDelete}
    >
      {children}
    </Confirm>
  );
}
