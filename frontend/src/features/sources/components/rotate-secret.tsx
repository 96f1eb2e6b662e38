import { Button } from '@/components/ui/button';
import { Confirm } from '@/components/ui/confirm';

interface RotateSecretProps {
  /** The name of the source. */
  name: string;
  disabled: boolean;
  onRotate: () => void;
}

/** Replaces the secret of a webhook once the person confirms. */
export function RotateSecret({ name, disabled, onRotate }: RotateSecretProps) {
  return (
    <Confirm
      trigger={
        <Button aria-label={`Rotate secret of ${name}`} disabled={disabled}>
          Rotate secret
        </Button>
      }
      question={`Rotate the secret of “${name}”?`}
      action="Rotate secret"
      onConfirm={onRotate}
    >
      The new secret is shown once. Deliveries signed with the old one are rejected from now on,
      until the sender has the new one.
    </Confirm>
  );
}
