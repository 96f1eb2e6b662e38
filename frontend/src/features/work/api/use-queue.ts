import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { paths } from '@/config/paths';
import { QUEUE_KEY } from '@/features/work/api/use-work';
import type { QueuePage } from '@/features/work/api/wire';
import type { QueuePlace } from '@/features/work/model/place';
import { getJson } from '@/lib/api-client';

const PAGE_LENGTH = 25;

/** The posts in the queue, a page at a time. `me` is the name of this person. */
export function useQueue({ owner, order, status, tag }: QueuePlace, me: string) {
  const assignee = { all: undefined, mine: me, unassigned: '' }[owner];
  return useInfiniteQuery({
    queryKey: [...QUEUE_KEY, { assignee, order, status, tag }],
    queryFn: ({ pageParam, signal }) =>
      getJson<QueuePage>(
        paths.workQueue,
        { assignee, order, status, tag, limit: PAGE_LENGTH, cursor: pageParam },
        signal,
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    enabled: owner !== 'mine' || me !== '',
  });
}
