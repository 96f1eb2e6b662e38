import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import type { Schemas } from '@/api/wire';
import { paths } from '@/config/paths';
import { SYSTEM_KEY } from '@/features/pipeline/api/use-system';
import { getJson, sendJson } from '@/lib/api-client';

export type DeadLetter = Schemas['DeadLetter'];

const DEAD_LETTERS_KEY = ['dead-letters'];
const PAGE_LENGTH = 20;
/** A replayed post that fails again is a new dead letter, though the count stays the same. */
const REFRESH_EVERY_MS = 5_000;

/** The dead letters, a page at a time. */
export function useDeadLetters(n_dead: number) {
  return useInfiniteQuery({
    queryKey: [...DEAD_LETTERS_KEY, n_dead],
    queryFn: ({ pageParam, signal }) =>
      getJson<Schemas['DeadLetterPage']>(
        paths.deadLetters,
        { limit: PAGE_LENGTH, cursor: pageParam },
        signal,
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
    enabled: n_dead > 0,
    refetchInterval: REFRESH_EVERY_MS,
  });
}

/** Replays one dead letter, or all of them for null. */
export function useReplay() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string | null) =>
      sendJson<Schemas['Replayed']>(
        'POST',
        paths.replayDeadLetters,
        id === null ? { all: true } : { ids: [id] },
      ),
    onSuccess: () =>
      Promise.all(
        [DEAD_LETTERS_KEY, SYSTEM_KEY].map((queryKey) => client.invalidateQueries({ queryKey })),
      ),
  });
}
