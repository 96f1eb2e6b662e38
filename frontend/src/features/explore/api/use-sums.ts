import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { paths } from '@/config/paths';
import type { BreakdownAnswer, LinesAnswer, SeriesAnswer } from '@/features/explore/api/wire';
import type { Dimension } from '@/features/explore/model/filters';
import {
  toOtherValue,
  toSums,
  withFilter,
  type ExploreQuery,
} from '@/features/explore/model/query';
import { getJson } from '@/lib/api-client';

/** The prefix of the page's query keys, so that Refresh invalidates all of them. */
export const EXPLORE_KEY = ['explore'];

const ITEMS_SHOWN = 20;
const CHOICES_SHOWN = 100;
const LINES_SHOWN = 8;

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

/** The series of the other value, over the period and by the step of the first; disabled without such a comparison. */
export function useOtherValue(query: ExploreQuery, first: SeriesAnswer | undefined) {
  const other = first === undefined ? null : toOtherValue(query, first.range);
  const asked = other === null ? {} : { ...toSums(other), step: first?.step };
  return useQuery({
    queryKey: [...EXPLORE_KEY, 'series', asked],
    queryFn: ({ signal }) => getJson<SeriesAnswer>(paths.series, asked, signal),
    enabled: other !== null,
    staleTime: Infinity,
  });
}

/** The breakdown over time. */
export function useLines(query: ExploreQuery) {
  const others = withFilter({ ...query, compare: { kind: 'none' } }, query.by, undefined);
  const asked = { ...toSums(others), by: query.by, step: query.step, limit: LINES_SHOWN };
  return useQuery({
    queryKey: [...EXPLORE_KEY, 'lines', asked],
    queryFn: ({ signal }) => getJson<LinesAnswer>(paths.lines, asked, signal),
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  });
}

/** The most frequent keys of one dimension, whichever of them the page is filtered by. */
export function useBreakdown(query: ExploreQuery) {
  const others = withFilter(query, query.by, undefined);
  const asked = { ...toSums(others), by: query.by, limit: ITEMS_SHOWN };
  return useQuery({
    queryKey: [...EXPLORE_KEY, 'breakdown', asked],
    queryFn: ({ signal }) => getJson<BreakdownAnswer>(paths.breakdown, asked, signal),
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  });
}

/** The options of a filter in this period; loaded when its list opens. */
export function useChoices(query: ExploreQuery, by: Dimension, isOpen: boolean) {
  const others = withFilter({ ...query, compare: { kind: 'none' } }, by, undefined);
  const asked = { ...toSums(others), by, limit: CHOICES_SHOWN };
  return useQuery({
    queryKey: [...EXPLORE_KEY, 'choices', asked],
    queryFn: ({ signal }) => getJson<BreakdownAnswer>(paths.breakdown, asked, signal),
    select: ({ items }) => items,
    enabled: isOpen,
    staleTime: 30_000,
  });
}
