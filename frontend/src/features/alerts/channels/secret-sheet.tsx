import { Button } from '@/components/ui/button';
import { Command } from '@/components/ui/command';
import { Sheet } from '@/components/ui/sheet';

interface SecretSheetProps {
  name: string;
  secret: string;
  onClose: () => void;
}

/** Shows a signing secret once. */
export function SecretSheet({ name, secret, onClose }: SecretSheetProps) {
  return (
    <Sheet
      title={`Signing secret for “${name}”`}
      description="Shown only once. The receiver uses it to verify message signatures."
      onClose={onClose}
      footer={
        <Button look="solid" onClick={onClose}>
          I have saved it
        </Button>
      }
    >
      <Command text={secret} />
      <p className="caption mt-2">
        After a rotation, messages are signed with both secrets for a day, so you have time to
        switch.
      </p>
    </Sheet>
  );
}
