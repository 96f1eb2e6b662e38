import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { PostPage } from '@/api/wire';
import { paths } from '@/config/paths';
import { getJson } from '@/lib/api-client';
import { filterOf, type View } from '@/lib/view';

const POSTS_SHOWN = 6;

/** Within a minute no post has risen; shorter windows look at the last hour. */
const SHORTEST_MS = 3_600_000;

/** The server sorts the whole stretch, and for no longer than a week. */
const LONGEST_MS = 7 * 86_400_000;

/** How old the end of the stretch may be: another end is another question. */
const REFRESH_MS = 15_000;

interface TopPostsParams {
  view: View;
  /** When the figures on the page end. */
  to: string;
  seconds: number;
}

/** The posts of a view that stand out, and the stretch in which they were looked for. */
export function useTopPosts({ view, to, seconds }: TopPostsParams) {
  const end = Math.ceil(Date.parse(to) / REFRESH_MS) * REFRESH_MS;
  const lengthMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, seconds * 1_000));
  const stretch = {
    from: new Date(end - lengthMs).toISOString(),
    to: new Date(end).toISOString(),
  };
  const order = view.top ?? 'virality';
  const { data, error, isPending } = useQuery({
    queryKey: ['posts', 'top', order, stretch, filterOf(view)],
    queryFn: ({ signal }) =>
      getJson<PostPage>(
        paths.posts,
        { ...stretch, ...filterOf(view), order, limit: POSTS_SHOWN },
        signal,
      ),
    placeholderData: keepPreviousData,
    gcTime: 60_000,
  });
  return { posts: data?.items ?? null, stretch, seconds: lengthMs / 1_000, error, isPending };
}
