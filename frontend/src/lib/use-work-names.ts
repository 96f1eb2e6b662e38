import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '@/api/wire';
import { paths } from '@/config/paths';
import { WORK_NAMES_KEY } from '@/config/query-keys';
import { getJson } from '@/lib/api-client';

const NONE: Schemas['UsedNames'] = { tags: [], assignees: [] };

/** The tags and assignees in use, to choose from. */
export function useWorkNames(): Schemas['UsedNames'] {
  const { data } = useQuery({
    queryKey: WORK_NAMES_KEY,
    queryFn: ({ signal }) => getJson<Schemas['UsedNames']>(paths.workNames, {}, signal),
    staleTime: 30_000,
  });
  return data ?? NONE;
}
