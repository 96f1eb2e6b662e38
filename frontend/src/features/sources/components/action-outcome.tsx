import { Button } from '@/components/ui/button';
import { Failure } from '@/components/ui/notice';
import type { useActOnSource } from '@/features/sources/api/use-sources';
import { describeDone, describeFailed, undoOf } from '@/features/sources/model/action';

/** Says what was done last, and takes it back. It stays in view while the list is scrolled. */
export function ActionOutcome({ action }: { action: ReturnType<typeof useActOnSource> }) {
  const { variables, data, isSuccess, error, mutate } = action;
  const undo = isSuccess ? undoOf(variables, data) : null;
  return (
    <div className="sticky top-13 z-10 -mx-4 bg-surface px-4">
      <p role="status" className="flex flex-wrap items-center gap-2 text-sm text-ink-soft">
        {isSuccess && <span className="min-w-0 wrap-anywhere">{describeDone(variables)}</span>}
        {undo !== null && (
          // The buttons that create and delete a source are gone once they have done so.
          <Button
            key={undo.kind}
            autoFocus={undo.kind === 'delete' || undo.kind === 'restore'}
            look="quiet"
            className="text-brand!"
            onClick={() => mutate(undo)}
          >
            Undo
          </Button>
        )}
      </p>
      {error !== null && variables !== undefined && (
        <Failure
          className="my-2"
          what={describeFailed(variables)}
          error={error}
          onRetry={() => mutate(variables)}
        />
      )}
    </div>
  );
}
