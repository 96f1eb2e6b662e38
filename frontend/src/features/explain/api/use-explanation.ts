import { useQuery } from '@tanstack/react-query';
import type { components } from '@/api/schema.generated';
import { paths } from '@/config/paths';
import { getJson, type Query } from '@/lib/api-client';

export type Explanation = components['schemas']['Explanation'];

/** What distinguishes a period from the one before; `asked` has the period and the filters. */
export function useExplanation(asked: Query) {
  return useQuery({
    queryKey: ['explanation', asked],
    queryFn: ({ signal }) => getJson<Explanation>(paths.explain, asked, signal),
    staleTime: Infinity,
  });
}
