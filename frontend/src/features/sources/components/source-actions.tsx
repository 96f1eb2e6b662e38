import { Allowed } from '@/components/ui/allowed';
import { Button } from '@/components/ui/button';
import { DeleteButton } from '@/components/ui/confirm';
import { Failure, Notice } from '@/components/ui/notice';
import { useRotateSecret, useTestSource } from '@/features/sources/api/use-sources';
import type { RevealedSource, Source } from '@/features/sources/api/wire';
import { BackfillPopover } from '@/features/sources/components/backfill-popover';
import { RotateSecret } from '@/features/sources/components/rotate-secret';
import type { SourceAction } from '@/features/sources/model/action';
import { describeTest, isStopped } from '@/features/sources/model/describe';

interface SourceActionsProps {
  source: Source;
  isBusy: boolean;
  onAct: (action: SourceAction) => void;
  onEdit: () => void;
  onRevealed: (source: RevealedSource) => void;
}

/** What can be done with a source; what a test found follows below. */
export function SourceActions(props: SourceActionsProps) {
  const { source, isBusy, onAct, onEdit, onRevealed } = props;
  const test = useTestSource();
  const rotate = useRotateSecret();
  const { id, name, network, state } = source;
  const isWebhook = network === 'webhook';
  const next = state === 'paused' ? 'resume' : 'pause';
  const verb = state === 'paused' ? 'Resume' : 'Pause';
  return (
    <>
      <div className="flex flex-wrap gap-1 max-sm:*:px-2!">
        <Allowed to="test_source">
          <Button
            aria-label={`Test ${name}`}
            disabled={test.isPending}
            onClick={() => test.mutate(id)}
          >
            {test.isPending ? 'Testing…' : 'Test'}
          </Button>
        </Allowed>
        {isStopped(state) && !isWebhook && (
          <Allowed to="resume_source">
            <Button
              aria-label={`Try again: ${name}`}
              disabled={isBusy}
              onClick={() => onAct({ kind: 'retry', source })}
            >
              Try again
            </Button>
          </Allowed>
        )}
        <Allowed to={next === 'pause' ? 'pause_source' : 'resume_source'}>
          <Button
            aria-label={`${verb} ${name}`}
            disabled={isBusy}
            onClick={() => onAct({ kind: next, source })}
          >
            {verb}
          </Button>
        </Allowed>
        {isWebhook ? (
          <Allowed to="rotate_source_secret">
            <RotateSecret
              name={name}
              disabled={rotate.isPending}
              onRotate={() => rotate.mutate(id, { onSuccess: onRevealed })}
            />
          </Allowed>
        ) : (
          <Allowed to="backfill_source">
            <BackfillPopover
              name={name}
              disabled={isBusy}
              onBackfill={(hours) => onAct({ kind: 'backfill', source, hours })}
            />
          </Allowed>
        )}
        <Allowed to="change_source">
          <Button aria-label={`Edit ${name}`} onClick={onEdit}>
            Edit
          </Button>
        </Allowed>
        <Allowed to="delete_source">
          <DeleteButton
            noun="source"
            name={name}
            onDelete={() => onAct({ kind: 'delete', source })}
          >
            Its posts are kept.
          </DeleteButton>
        </Allowed>
      </div>
      {test.data !== undefined && (
        <Notice tone={test.data.state === 'running' ? 'good' : 'warning'} className="basis-full">
          <span className="wrap-anywhere">Test: {describeTest(test.data)}</span>
        </Notice>
      )}
      {rotate.error !== null && (
        <Failure
          className="basis-full"
          what="The secret could not be rotated"
          error={rotate.error}
          onRetry={() => rotate.mutate(id, { onSuccess: onRevealed })}
        />
      )}
      {test.error !== null && (
        <Failure
          className="basis-full"
          what="The source could not be tested"
          error={test.error}
          onRetry={() => test.mutate(id)}
        />
      )}
    </>
  );
}
