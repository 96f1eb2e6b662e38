import { AssignPopover } from '@/components/ui/assign-popover';
import { Button } from '@/components/ui/button';
import { Failure } from '@/components/ui/notice';
import { useChangeWork } from '@/features/work/api/use-work';
import type { PostWork, Status } from '@/features/work/api/wire';
import { StatusSelect } from '@/features/work/components/status-select';
import { TagPopover } from '@/features/work/components/tag-popover';
import { describeResults, STATUS_NAMES } from '@/features/work/model/describe';

interface WorkActionsProps {
  works: readonly PostWork[];
  /** What the actions are on: `selected posts`, `this post`. */
  of: string;
  change: ReturnType<typeof useChangeWork>;
}

/** What can be done about posts: status, assignee, tags and the queue. */
export function WorkActions({ works, of, change }: WorkActionsProps) {
  const isOff = works.length === 0 || change.isPending;
  const statuses = new Set(works.map(({ status }) => status));
  const [status] = statuses.size === 1 ? statuses : [];
  const tags = [...new Set(works.flatMap((work) => work.tags))].toSorted();
  const isQueued = works.length > 0 && works.every((work) => work.needs_answer);
  const setStatus = (next: Status) =>
    change.mutate({
      works,
      change: { status: next },
      done: `set to ${STATUS_NAMES[next].toLowerCase()}`,
    });
  return (
    <>
      <StatusSelect
        label={`Status of ${of}`}
        value={status ?? null}
        disabled={isOff}
        onChange={setStatus}
      />
      <AssignPopover
        text="Assign"
        label={`Assign ${of}`}
        isAssigned={works.some(({ assignee }) => assignee != null)}
        disabled={isOff}
        onAssign={(name) =>
          change.mutate({
            works,
            change: { assignee: name },
            done: name === null ? 'unassigned' : `assigned to ${name}`,
          })
        }
      />
      <TagPopover
        label={`Tag ${of}`}
        tags={tags}
        disabled={isOff}
        onAdd={(tag) =>
          change.mutate({ works, change: { add_tags: [tag] }, done: `tagged “${tag}”` })
        }
        onRemove={(tag) =>
          change.mutate({
            works,
            change: { remove_tags: [tag] },
            done: `no longer tagged “${tag}”`,
          })
        }
      />
      <Button
        aria-pressed={isQueued}
        className={isQueued ? 'border-brand! bg-highlight!' : ''}
        disabled={isOff}
        onClick={() =>
          change.mutate({
            works,
            change: { needs_answer: !isQueued },
            done: isQueued ? 'removed from the queue' : 'added to the queue',
          })
        }
      >
        Needs an answer
      </Button>
    </>
  );
}

/** Says what the last action did, and takes it back. It keeps its height, except on phones, so that nothing below it moves. */
export function WorkDone({ change }: Pick<WorkActionsProps, 'change'>) {
  const done = change.isSuccess ? change.data : null;
  const failed = change.variables !== undefined && 'undo' in change.variables;
  return (
    <>
      <p
        role="status"
        className="flex min-h-8 flex-wrap items-center gap-2 text-sm text-ink-soft max-sm:basis-full max-sm:empty:hidden"
      >
        {change.isPending && 'Saving…'}
        {done !== null && describeResults(done.done, done.results)}
        {done !== null && done.undo.length > 0 && (
          <Button
            look="quiet"
            className="text-brand!"
            onClick={() => change.mutate({ undo: done.undo })}
          >
            Undo
          </Button>
        )}
      </p>
      {change.error !== null && (
        <Failure
          className="basis-full"
          what={failed ? 'The change could not be undone' : 'The change could not be saved'}
          error={change.error}
        />
      )}
    </>
  );
}
