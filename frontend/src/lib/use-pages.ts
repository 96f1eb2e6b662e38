import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { getJson, type Query } from '@/lib/api-client';

interface Page<Item> {
  items: Item[];
  next_cursor?: string | null;
}

/** A list, a page at a time. The list of another query stays until the new one is there. */
export function usePages<Item>(queryKey: readonly unknown[], path: string, query: Query = {}) {
  return useInfiniteQuery({
    queryKey: [...queryKey, query],
    queryFn: ({ pageParam, signal }) =>
      getJson<Page<Item>>(path, { ...query, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    select: ({ pages }) => pages.flatMap(({ items }) => items),
  });
}
