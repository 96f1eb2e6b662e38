import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { PostPage } from '@/api/wire';
import { paths } from '@/config/paths';
import { getJson } from '@/lib/api-client';
import { filterOf, type View } from '@/lib/view';

const POSTS_SHOWN = 6;

/** Shorter windows use the last hour, because posts need time to rise. */
const SHORTEST_MS = 3_600_000;

/** The server's limit for sorting by anything but time. */
const LONGEST_MS = 7 * 86_400_000;

/** How often the period moves on, which triggers a new request. */
const REFRESH_MS = 15_000;

interface TopPostsParams {
  view: View;
  /** The end of the page's window. */
  to: string;
  seconds: number;
  paused: boolean;
}

/** The top posts of a view, and the period they are from. */
export function useTopPosts({ view, to, seconds, paused }: TopPostsParams) {
  const end = Math.ceil(Date.parse(to) / REFRESH_MS) * REFRESH_MS;
  const lengthMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, seconds * 1_000));
  const period = {
    from: new Date(end - lengthMs).toISOString(),
    to: new Date(end).toISOString(),
  };
  const order = view.top ?? 'virality';
  const { data, error, isPending } = useQuery({
    queryKey: ['posts', 'top', order, period, filterOf(view)],
    queryFn: ({ signal }) =>
      getJson<PostPage>(
        paths.posts,
        { ...period, ...filterOf(view), order, limit: POSTS_SHOWN },
        signal,
      ),
    placeholderData: keepPreviousData,
    ...(paused ? { staleTime: Infinity, gcTime: Infinity } : { gcTime: 60_000 }),
  });
  return { posts: data?.items ?? null, period, seconds: lengthMs / 1_000, error, isPending };
}
