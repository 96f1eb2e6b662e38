import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import type { PostDetails } from '@/api/wire';
import { paths } from '@/config/paths';
import { EXPLORE_KEY } from '@/features/explore/api/use-sums';
import type { ExploredPage } from '@/features/explore/api/wire';
import { canOrder, toPosts, type ExploreQuery } from '@/features/explore/model/query';
import { getJson } from '@/lib/api-client';

const PAGE_LENGTH = 25;

export const POSTS_KEY = [...EXPLORE_KEY, 'posts'];

export type ExploredDetails = PostDetails;

/** The posts behind the figures, a page at a time. */
export function usePosts(query: ExploreQuery) {
  const shown: ExploreQuery = canOrder(query) ? query : { ...query, order: 'newest' };
  const { filters, from, to, window, order } = shown;
  return useInfiniteQuery({
    queryKey: [...POSTS_KEY, { filters, from, to, window, order }],
    queryFn: ({ pageParam, signal }) =>
      getJson<ExploredPage>(
        paths.posts,
        { ...toPosts(shown), limit: PAGE_LENGTH, cursor: pageParam },
        signal,
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  });
}

export function detailsKey(uuid: string) {
  return [...EXPLORE_KEY, 'post', uuid];
}

/** One post with its score history. */
export function usePostDetails(uuid: string) {
  return useQuery({
    queryKey: detailsKey(uuid),
    queryFn: ({ signal }) => getJson<ExploredDetails>(paths.post(uuid), {}, signal),
  });
}
