import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { PostDetails } from '@/api/wire';
import { paths } from '@/config/paths';
import { getJson } from '@/lib/api-client';

/** One post with its score history; refetched when `revision` changes. */
export function usePost(uuid: string, revision: string) {
  return useQuery({
    queryKey: ['posts', 'details', uuid, revision],
    queryFn: ({ signal }) => getJson<PostDetails>(paths.post(uuid), {}, signal),
    placeholderData: keepPreviousData,
    staleTime: Infinity,
    gcTime: 0,
  });
}
