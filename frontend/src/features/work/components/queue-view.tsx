import { clsx } from 'clsx';
import { useRef, type KeyboardEvent, type ReactNode } from 'react';
import { Button } from '@/components/ui/button';
import { Empty } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { useQueue } from '@/features/work/api/use-queue';
import { useChangeWork } from '@/features/work/api/use-work';
import { QueueFilters } from '@/features/work/components/queue-filters';
import { QueueRow } from '@/features/work/components/queue-row';
import { QueueSheet } from '@/features/work/components/queue-sheet';
import { WorkBar } from '@/features/work/components/work-bar';
import { isTyping } from '@/features/work/model/keys';
import { isNarrowed, type QueuePlace } from '@/features/work/model/place';
import { useWorks } from '@/features/work/model/work-store';
import { usePersonName } from '@/lib/person';
import { useNow } from '@/lib/use-now';
import { useSelection } from '@/lib/use-selection';

interface QueueViewProps {
  place: QueuePlace;
  onChange: (place: QueuePlace) => void;
  /** A form for the name of this person, which belongs to another feature. */
  nameForm: ReactNode;
}

/** The posts that need an answer: next and previous by keyboard, one by one or several at a time. */
export function QueueView({ place, onChange, nameForm }: QueueViewProps) {
  const me = usePersonName();
  const queue = useQueue(place, me);
  const change = useChangeWork();
  const now = useNow(30_000);
  const items = queue.data?.pages.flatMap((page) => page.items) ?? [];
  const works = useWorks(items);
  const { selected, isSelected, choose, select } = useSelection(items, ({ post }) => post.uuid);
  const list = useRef<HTMLOListElement>(null);
  const opened = items.findIndex(({ post }) => post.uuid === place.post);
  const closed = { ...place };
  delete closed.post;
  const moveFocus = (event: KeyboardEvent) => {
    if (isTyping(event) || (event.key !== 'j' && event.key !== 'k')) return;
    const rows = [...(list.current?.querySelectorAll<HTMLElement>('[data-post]') ?? [])];
    const at = rows.findIndex((row) => row.closest('li')?.contains(event.target as Node));
    rows[at + (event.key === 'j' ? 1 : -1)]?.focus();
  };
  const needsName = place.owner === 'mine' && me === '';
  return (
    <Panel title="Queue" note="posts that need an answer">
      <QueueFilters
        place={place}
        onChange={(next) => {
          choose([]);
          onChange(next);
        }}
        onRefresh={() => void queue.refetch()}
        isFetching={queue.isFetching}
      />
      {needsName ? (
        <div className="mt-3 max-w-sm">{nameForm}</div>
      ) : (
        <QueryStatus query={queue} what="queue" rows={8} />
      )}
      {!needsName && queue.data !== undefined && items.length === 0 && (
        <Empty title={isNarrowed(place) ? 'No matching posts' : 'The queue is empty'}>
          {isNarrowed(place)
            ? 'Remove a filter to see more posts.'
            : 'Select posts in Explore and choose “Needs an answer”, or assign them to someone.'}
        </Empty>
      )}
      {!needsName && items.length > 0 && (
        <>
          <WorkBar items={items} selected={selected} onSelect={choose} change={change} />
          <ol
            ref={list}
            aria-label="Posts in the queue"
            aria-describedby="queue-keys"
            className={clsx('-mx-4 -mt-px', queue.isPlaceholderData && 'opacity-60')}
            onKeyDown={moveFocus}
          >
            {items.map((item, i) => (
              <QueueRow
                key={item.post.uuid}
                item={item}
                now={now}
                isBusy={change.isPending}
                isSelected={isSelected(item)}
                onSelect={(isOn) => select(item, isOn)}
                onOpen={() => onChange({ ...place, post: item.post.uuid })}
                onAnswered={() =>
                  change.mutate({
                    works: works.slice(i, i + 1),
                    change: { status: 'answered' },
                    done: 'set to answered',
                  })
                }
              />
            ))}
          </ol>
          <p id="queue-keys" className="caption mt-2 max-sm:hidden">
            Press J or K for the next or previous post, and Enter to open it.
          </p>
        </>
      )}
      {queue.hasNextPage && (
        <Button
          className="mt-2 self-center"
          disabled={queue.isFetchingNextPage}
          onClick={() => void queue.fetchNextPage()}
        >
          {queue.isFetchingNextPage ? 'Loading…' : 'Show more'}
        </Button>
      )}
      {opened >= 0 && (
        <QueueSheet
          items={items}
          place={opened}
          onMove={(to) => {
            const next = items[to];
            if (next !== undefined) onChange({ ...place, post: next.post.uuid });
          }}
          onClose={() => onChange(closed)}
        />
      )}
    </Panel>
  );
}
