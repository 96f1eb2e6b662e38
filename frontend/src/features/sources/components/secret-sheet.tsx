import { Button } from '@/components/ui/button';
import { Command } from '@/components/ui/command';
import { Sheet } from '@/components/ui/sheet';
import { paths } from '@/config/paths';

/** A webhook whose secret was just made. */
export interface Revealed {
  id: string;
  name: string;
  secret: string;
}

/** Shows where to deliver, and the secret that signs deliveries, once. */
export function SecretSheet({ revealed, onClose }: { revealed: Revealed; onClose: () => void }) {
  const { id, name, secret } = revealed;
  return (
    <Sheet
      title={`Deliver posts to “${name}”`}
      description="The secret is shown only once. Give both to the sender."
      onClose={onClose}
      footer={
        <Button look="solid" onClick={onClose}>
          I have saved it
        </Button>
      }
    >
      <div className="flex flex-col gap-4">
        <section aria-label="Address">
          <h3 className="mb-1 text-sm font-medium">Address</h3>
          <Command text={`${location.origin}${paths.sourceEvents(id)}`} />
        </section>
        <section aria-label="Secret">
          <h3 className="mb-1 text-sm font-medium">Secret</h3>
          <Command text={secret} />
        </section>
        <p className="caption">
          The sender signs each delivery with the secret according to Standard Webhooks (webhook-id,
          webhook-timestamp, webhook-signature). If the secret is lost, rotate it.
        </p>
      </div>
    </Sheet>
  );
}
