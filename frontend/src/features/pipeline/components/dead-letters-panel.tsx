import { Allowed } from '@/components/ui/allowed';
import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { Confirm } from '@/components/ui/confirm';
import { Empty, Failure, Notice } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import {
  useDeadLetters,
  useReplay,
  type DeadLetter,
} from '@/features/pipeline/api/use-dead-letters';
import { capitalize, formatAgo, formatPosts, formatSource } from '@/lib/format';

interface DeadLettersPanelProps {
  /** The number of dead letters; null while Redis is unreachable. */
  n_dead: number | null;
  now: number;
}

/** Posts that could not be processed, with their errors and a replay button. */
export function DeadLettersPanel({ n_dead, now }: DeadLettersPanelProps) {
  const letters = useDeadLetters(n_dead ?? 0);
  const replay = useReplay();
  const items = n_dead === 0 ? [] : (letters.data?.pages.flatMap((page) => page.items) ?? []);
  return (
    <Panel
      title="Dead letters"
      note="posts that could not be processed"
      actions={
        n_dead !== null &&
        n_dead > 0 && (
          <>
            <Badge tone="critical">{n_dead} waiting</Badge>
            <Allowed to="replay_dead_letters">
              <Confirm
                trigger={
                  <Button className="h-7! px-2!" disabled={replay.isPending}>
                    Replay all
                  </Button>
                }
                question={`Replay ${formatPosts(n_dead)}?`}
                action="Replay all"
                onConfirm={() => replay.mutate(null)}
              >
                The posts go through the pipeline again as if they were new. Any that fail again
                return here. Nothing is stored twice.
              </Confirm>
            </Allowed>
          </>
        )
      }
    >
      {replay.data !== undefined && !replay.isPending && (
        <Notice tone="good" className="mt-2">
          {formatPosts(replay.data.replayed)} replayed.
        </Notice>
      )}
      {replay.error !== null && (
        <Failure className="mt-2" what="The posts could not be replayed" error={replay.error} />
      )}
      <QueryStatus
        query={{ ...letters, isPending: letters.isPending && n_dead !== null && n_dead > 0 }}
        what="dead letters"
        rows={4}
      />
      {n_dead === null && <Empty title="Unavailable while Redis is unreachable" />}
      {n_dead === 0 && <Empty title="No dead letters" />}
      <ul aria-label="Dead letters" className="-mx-4 mt-2">
        {items.map((letter) => (
          <Letter
            key={letter.id}
            letter={letter}
            now={now}
            busy={replay.isPending}
            onReplay={() => replay.mutate(letter.id)}
          />
        ))}
      </ul>
      {letters.hasNextPage && n_dead !== 0 && (
        <Button
          className="mt-2 self-center"
          disabled={letters.isFetchingNextPage}
          onClick={() => void letters.fetchNextPage()}
        >
          Show more
        </Button>
      )}
    </Panel>
  );
}

interface LetterProps {
  letter: DeadLetter;
  now: number;
  busy: boolean;
  onReplay: () => void;
}

function Letter({ letter, now, busy, onReplay }: LetterProps) {
  const { id, reason, attempts, died_at, source, post } = letter;
  return (
    <li className="border-t border-line px-4 py-2.5">
      <div className="flex flex-wrap items-start gap-x-3 gap-y-1.5">
        <div className="min-w-0 flex-1 basis-60 wrap-anywhere">
          <p className="text-sm font-medium break-words">{capitalize(reason)}</p>
          <p className="caption mt-0.5">
            {[
              `failed ${formatAgo(died_at, now)}`,
              attempts > 0 && `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`,
              source && `from ${formatSource(source)}`,
            ]
              .filter(Boolean)
              .join(' · ')}
          </p>
        </div>
        <Allowed to="replay_dead_letters">
          <Button
            className="h-7! px-2!"
            disabled={busy}
            aria-label={`Replay ${id}`}
            onClick={onReplay}
          >
            Replay
          </Button>
        </Allowed>
      </div>
      {post && (
        <details className="mt-1">
          <summary className="caption w-fit rounded-md hover:text-ink">Original post</summary>
          <pre className="thin-scroll mt-1 max-h-48 overflow-auto rounded-md bg-sunken p-2 font-mono text-xs break-all whitespace-pre-wrap">
            {post}
          </pre>
        </details>
      )}
    </li>
  );
}
