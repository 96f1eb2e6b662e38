import { Button } from '@/components/ui/button';
import { Command } from '@/components/ui/command';
import { Sheet } from '@/components/ui/sheet';

interface SecretSheetProps {
  name: string;
  secret: string;
  onClose: () => void;
}

/** Tells a signing secret, this once. */
export function SecretSheet({ name, secret, onClose }: SecretSheetProps) {
  return (
    <Sheet
      title={`The signing secret of “${name}”`}
      description="Shown this once. Whoever receives the messages checks their signature with it."
      onClose={onClose}
      footer={
        <Button look="solid" onClick={onClose}>
          I have kept it
        </Button>
      }
    >
      <Command text={secret} />
      <p className="caption mt-2">
        A secret that was replaced signs beside the new one for a day, so that there is time to
        change over.
      </p>
    </Sheet>
  );
}
