import { Allowed } from '@/components/ui/allowed';
import { AssignPopover } from '@/components/ui/assign-popover';
import { Button } from '@/components/ui/button';
import { Failure } from '@/components/ui/notice';
import type { Alert } from '@/api/wire';
import { useAssign } from '@/features/alerts/api/use-assign';

interface AssignAlertsProps {
  alerts: readonly Alert[];
  label: string;
}

/** Assigns alerts to a person, and takes that back. */
export function AssignAlerts({ alerts, label }: AssignAlertsProps) {
  const assign = useAssign();
  const undo = assign.isSuccess ? assign.variables.undo : undefined;
  return (
    <Allowed to="assign_alert">
      <AssignPopover
        text={assign.isPending ? 'Saving…' : 'Assign'}
        label={label}
        isAssigned={alerts.some(({ assignee }) => assignee != null)}
        disabled={alerts.length === 0 || assign.isPending}
        onAssign={(name) =>
          assign.mutate({
            to: alerts.map(({ id }) => ({ id, assignee: name })),
            undo: alerts.map(({ id, assignee }) => ({ id, assignee: assignee ?? null })),
          })
        }
      />
      {undo !== undefined && (
        <Button
          look="quiet"
          className="px-2! text-brand!"
          aria-label="Undo assignment"
          onClick={() => assign.mutate({ to: undo })}
        >
          Undo
        </Button>
      )}
      {assign.error !== null && (
        <Failure
          className="basis-full"
          what={
            assign.variables?.to.length === 1
              ? 'The alert could not be assigned'
              : 'Not all alerts could be assigned'
          }
          error={assign.error}
        />
      )}
    </Allowed>
  );
}
