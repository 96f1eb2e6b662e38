import { Button } from '@/components/ui/button';
import { Checkbox } from '@/components/ui/checkbox';
import { Failure } from '@/components/ui/notice';
import type { Alert } from '@/api/wire';
import { useAcknowledge } from '@/features/alerts/api/use-acknowledge';
import { AssignAlerts } from '@/features/alerts/components/assign-alerts';
import { MutePopover } from '@/features/alerts/components/mute-popover';
import { useMay } from '@/lib/me';

interface BulkActionsProps {
  alerts: readonly Alert[];
  selected: readonly Alert[];
  onSelect: (ids: readonly string[]) => void;
}

/**
 * Selects alerts and acts on all that are selected. It is always there, so that selecting moves no row, except for those who
 * may only read.
 */
export function BulkActions({ alerts, selected, onSelect }: BulkActionsProps) {
  const acknowledge = useAcknowledge();
  const unseen = selected.filter(({ acknowledged_at }) => !acknowledged_at);
  const done = acknowledge.isSuccess ? acknowledge.variables : null;
  const may = useMay();
  if (!may('acknowledge_alert')) return null;
  return (
    <div className="sticky top-13 z-10 -mx-4 border-b border-line bg-surface px-4 py-2">
      <div
        role="toolbar"
        aria-label="Selected alerts"
        className="flex flex-wrap items-center gap-x-3 gap-y-1.5"
      >
        <Checkbox
          checked={selected.length > 0 && selected.length === alerts.length}
          isMixed={selected.length > 0 && selected.length < alerts.length}
          onChange={(all) => onSelect(all ? alerts.map(({ id }) => id) : [])}
        >
          {selected.length === 0 ? 'Select all' : `${selected.length} selected`}
        </Checkbox>
        <Button
          aria-label="Acknowledge selected"
          disabled={unseen.length === 0 || acknowledge.isPending}
          onClick={() => acknowledge.mutate({ ids: unseen.map(({ id }) => id) })}
        >
          {acknowledge.isPending ? 'Saving…' : 'Acknowledge'}
        </Button>
        <AssignAlerts alerts={selected} label="Assign selected" />
        <MutePopover
          alerts={selected}
          label="Silence selected"
          disabled={selected.length === 0}
          onMuted={() => onSelect([])}
        />
        <p
          role="status"
          className="flex min-h-8 items-center gap-2 text-sm text-ink-soft max-sm:basis-full"
        >
          {done !== null && describeDone(done)}
          {done !== null && !done.undo && (
            <Button
              look="quiet"
              className="text-brand!"
              onClick={() => acknowledge.mutate({ ids: done.ids, undo: true })}
            >
              Undo
            </Button>
          )}
        </p>
      </div>
      {acknowledge.error !== null && (
        <Failure
          className="mt-2"
          what={
            acknowledge.variables?.undo
              ? 'Not all acknowledgements could be undone'
              : 'Not all alerts could be acknowledged'
          }
          error={acknowledge.error}
        />
      )}
    </div>
  );
}

function describeDone({ ids, undo }: { ids: readonly string[]; undo?: boolean }): string {
  const alerts = ids.length === 1 ? '1 alert' : `${ids.length} alerts`;
  return undo ? `${alerts} no longer acknowledged.` : `${alerts} acknowledged.`;
}
