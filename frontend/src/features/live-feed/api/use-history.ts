import { useQuery } from '@tanstack/react-query';
import type { PostPage } from '@/api/wire';
import { paths } from '@/config/paths';
import { getJson } from '@/lib/api-client';
import type { PostFilter } from '@/live/feed';

/** Fills a screen. */
const HISTORY_LENGTH = 30;

/** The latest stored posts, so that the feed does not start empty. */
export function useHistory(filter: PostFilter) {
  return useQuery({
    queryKey: ['posts', 'history', filter],
    queryFn: ({ signal }) =>
      getJson<PostPage>(paths.posts, { limit: HISTORY_LENGTH, ...filter }, signal),
    select: (page) => page.items,
    staleTime: Infinity,
    gcTime: 0,
  });
}
