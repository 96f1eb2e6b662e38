import { Dialog } from 'radix-ui';
import { useRef, type ReactNode } from 'react';
import { CloseIcon } from '@/components/ui/icons';

interface SheetProps {
  title: string;
  /** Below the title. */
  description?: ReactNode;
  onClose: () => void;
  /** Below the scrolling content, such as a form's buttons. */
  footer?: ReactNode;
  children: ReactNode;
}

/**
 * A panel over the side of the page; on a phone it covers the page.
 *
 * It is open as long as it is rendered. Focus moves into it, stays inside, and returns to where it was.
 */
export function Sheet({ title, description, onClose, footer, children }: SheetProps) {
  const content = useRef<HTMLDivElement>(null);
  const opener = useRef<Element | null>(null);
  const start = (event: Event) => {
    opener.current = document.activeElement;
    // In a form, focus the first field rather than the close button.
    const field = content.current?.querySelector<HTMLElement>('form input, form select');
    if (!field) return;
    event.preventDefault();
    field.focus();
  };
  // There is no trigger for Radix to return focus to.
  const goBack = (event: Event) => {
    event.preventDefault();
    if (opener.current instanceof HTMLElement) opener.current.focus();
  };
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-overlay" />
        <Dialog.Content
          ref={content}
          onOpenAutoFocus={start}
          onCloseAutoFocus={goBack}
          {...(description === undefined && { 'aria-describedby': undefined })}
          className="fixed inset-y-0 right-0 z-50 flex w-full max-w-[40rem] flex-col border-l border-line bg-surface shadow-panel outline-none"
        >
          <header className="flex items-start gap-3 border-b border-line px-5 py-3.5">
            <div className="min-w-0 self-center">
              <Dialog.Title className="text-base leading-snug font-semibold break-words">
                {title}
              </Dialog.Title>
              {description !== undefined && (
                <Dialog.Description className="mt-0.5 text-sm text-ink-soft" asChild>
                  <div>{description}</div>
                </Dialog.Description>
              )}
            </div>
            <Dialog.Close
              aria-label="Close"
              className="-mr-1.5 ml-auto inline-flex size-8 shrink-0 items-center justify-center rounded-md text-ink-soft hover:bg-sunken hover:text-ink"
            >
              <CloseIcon />
            </Dialog.Close>
          </header>
          <div className="thin-scroll min-h-0 flex-1 overflow-y-auto px-5 py-4">{children}</div>
          {footer !== undefined && (
            <footer className="flex flex-wrap items-center justify-end gap-2 border-t border-line px-5 py-3">
              {footer}
            </footer>
          )}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
