import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { paths } from '@/config/paths';
import type { BreakdownAnswer, SeriesAnswer } from '@/features/explore/api/wire';
import {
  toSums,
  withFilter,
  type Dimension,
  type ExploreQuery,
} from '@/features/explore/model/query';
import { getJson } from '@/lib/api-client';

/** Everything this page asks for begins with it, so that one press asks for all of it again. */
export const EXPLORE_KEY = ['explore'];

const ITEMS_SHOWN = 20;
const CHOICES_SHOWN = 100;

/** Volume and sentiment by step. While another answer is on its way, the last one stays. */
export function useSeries(query: ExploreQuery) {
  const asked = { ...toSums(query), step: query.step };
  return useQuery({
    queryKey: [...EXPLORE_KEY, 'series', asked],
    queryFn: ({ signal }) => getJson<SeriesAnswer>(paths.series, asked, signal),
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  });
}

/** The largest of one dimension. */
export function useBreakdown(query: ExploreQuery) {
  const asked = { ...toSums(query), by: query.by, limit: ITEMS_SHOWN };
  return useQuery({
    queryKey: [...EXPLORE_KEY, 'breakdown', asked],
    queryFn: ({ signal }) => getJson<BreakdownAnswer>(paths.breakdown, asked, signal),
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  });
}

/** What a filter could be set to in this stretch; asked for when its list is opened. */
export function useChoices(query: ExploreQuery, by: Dimension, isOpen: boolean) {
  const others = withFilter({ ...query, compare: false }, by, undefined);
  const asked = { ...toSums(others), by, limit: CHOICES_SHOWN };
  return useQuery({
    queryKey: [...EXPLORE_KEY, 'choices', asked],
    queryFn: ({ signal }) => getJson<BreakdownAnswer>(paths.breakdown, asked, signal),
    select: ({ items }) => items,
    enabled: isOpen,
    staleTime: 30_000,
  });
}
