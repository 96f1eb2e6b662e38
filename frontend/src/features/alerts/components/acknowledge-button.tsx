import { Allowed } from '@/components/ui/allowed';
import { Button } from '@/components/ui/button';
import type { Alert } from '@/api/wire';

interface AcknowledgeButtonProps {
  alert: Alert;
  busy: boolean;
  look?: 'solid' | 'outline';
  className?: string;
  onAcknowledge: (request: { ids: readonly string[]; undo: boolean }) => void;
}

/**
 * Acknowledges an open alert, and takes that back.
 *
 * It is one button throughout, so the keyboard's focus stays; the second click of a double click does not undo the first.
 */
export function AcknowledgeButton(props: AcknowledgeButtonProps) {
  const { alert, busy, look = 'outline', className, onAcknowledge } = props;
  const undo = Boolean(alert.acknowledged_at);
  const action = undo ? 'Undo acknowledgement' : 'Acknowledge';
  return (
    <Allowed to={undo ? 'unacknowledge_alert' : 'acknowledge_alert'}>
      <Button
        look={undo ? 'quiet' : look}
        className={className}
        aria-disabled={busy}
        aria-label={`${action}: ${alert.title}`}
        title={undo ? action : undefined}
        onClick={({ detail }) => {
          if (!busy && detail < 2) onAcknowledge({ ids: [alert.id], undo });
        }}
      >
        {busy ? 'Saving…' : undo ? 'Undo' : 'Acknowledge'}
      </Button>
    </Allowed>
  );
}
