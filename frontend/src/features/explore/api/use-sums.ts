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

/** The prefix of the page's query keys, so that Refresh invalidates all of them. */
export const EXPLORE_KEY = ['explore'];

const ITEMS_SHOWN = 20;
const CHOICES_SHOWN = 100;

/** Volume and sentiment by step. The previous data stays while new data loads. */
export function useSeries(query: ExploreQuery) {
  const asked = { ...toSums(query), step: query.step };
  return useQuery({
    queryKey: [...EXPLORE_KEY, 'series', asked],
    queryFn: ({ signal }) => getJson<SeriesAnswer>(paths.series, asked, signal),
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  });
}

/** The most frequent keys of one dimension. */
export function useBreakdown(query: ExploreQuery) {
  const asked = { ...toSums(query), by: query.by, limit: ITEMS_SHOWN };
  return useQuery({
    queryKey: [...EXPLORE_KEY, 'breakdown', asked],
    queryFn: ({ signal }) => getJson<BreakdownAnswer>(paths.breakdown, asked, signal),
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  });
}

/** The options of a filter in this period; loaded when its list opens. */
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
