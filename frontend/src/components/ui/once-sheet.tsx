import type { ReactNode } from 'react';
import { Button } from '@/components/ui/button';
import { Command } from '@/components/ui/command';
import { Sheet } from '@/components/ui/sheet';

interface OnceSheetProps {
  title: string;
  /** What is shown, each with its name, and a copy button. */
  parts: readonly { name: string; text: string }[];
  onClose: () => void;
  /** What to do with it. */
  children: ReactNode;
}

/** Shows a secret that was just made, once. */
export function OnceSheet({ title, parts, onClose, children }: OnceSheetProps) {
  return (
    <Sheet
      title={title}
      description="It is shown only once."
      onClose={onClose}
      footer={
        <Button look="solid" onClick={onClose}>
          I have saved it
        </Button>
      }
    >
      <div className="flex flex-col gap-4">
        {parts.map(({ name, text }) => (
          <section key={name} aria-label={name}>
            <h3 className="mb-1 text-sm font-medium">{name}</h3>
            <Command text={text} />
          </section>
        ))}
        <p className="caption">{children}</p>
      </div>
    </Sheet>
  );
}
