import { Button } from '@/components/ui/button';
import { Confirm } from '@/components/ui/confirm';

interface ReloadModelsProps {
  busy: boolean;
  onReload: () => void;
}

/** Reloads the models after a confirmation. */
export function ReloadModels({ busy, onReload }: ReloadModelsProps) {
  return (
    <Confirm
      trigger={
        <Button className="h-7! px-2!" disabled={busy}>
          {busy ? 'Reloading…' : 'Reload models'}
        </Button>
      }
      question="Reload the models?"
      action="Reload"
      onConfirm={onReload}
    >
      The server rereads its model files and swaps in any that changed. No posts are lost, and
      existing scores stay as they are. Other servers are not affected.
    </Confirm>
  );
}
