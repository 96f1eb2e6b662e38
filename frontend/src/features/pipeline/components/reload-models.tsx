import { Button } from '@/components/ui/button';
import { Confirm } from '@/components/ui/confirm';

interface ReloadModelsProps {
  busy: boolean;
  onReload: () => void;
}

/** Loads the model files anew, once a person has said yes. */
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
      The server reads its model files again and swaps in those that changed. No post is lost, and
      those being scored are scored to the end. Scores given so far stay as they are. Of several
      servers only this one does so.
    </Confirm>
  );
}
