import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { paths } from '@/config/paths';
import type { TopicPreview, TopicQueryCheck } from '@/features/topics/api/wire';
import { sendJson } from '@/lib/api-client';
import { useDebounced } from '@/lib/use-debounced';

/** Short, because a check reads no posts. */
const CHECK_AFTER_MS = 250;

/** Longer, because a preview reads up to 5,000 posts. */
const PREVIEW_AFTER_MS = 600;

/** The answer to a query that may have changed since. */
interface Checked extends TopicQueryCheck {
  query: string;
}

const isBlank = (query: string) => query.trim() === '';

/**
 * Checks a query while it is typed. Until the answer to what is typed now arrives, returns the previous one.
 *
 * Answers are kept by query, and a request that is no longer wanted is aborted, so a late answer never replaces a newer one.
 */
export function useQueryCheck(query: string) {
  const asked = useDebounced(query, CHECK_AFTER_MS) ?? '';
  const { data, error } = useQuery({
    queryKey: ['topic-query', 'check', asked],
    queryFn: async ({ signal }): Promise<Checked> => {
      const body = { query: asked };
      const check = await sendJson<TopicQueryCheck>('POST', paths.validateTopicQuery, body, signal);
      return { ...check, query: asked };
    },
    enabled: !isBlank(asked),
    placeholderData: keepPreviousData,
    // The same query always gets the same answer.
    staleTime: Infinity,
    retry: false,
  });
  if (isBlank(query)) return { check: null, isCurrent: false, error: null };
  const check = isBlank(asked) ? null : (data ?? null);
  return { check, isCurrent: check?.query === query, error };
}

/** Matches a query against recent posts once it has stopped changing; `isValid` says whether it can be. */
export function useQueryPreview(query: string, isValid: boolean) {
  const asked = useDebounced(query, PREVIEW_AFTER_MS) ?? '';
  const isAsked = isValid && asked === query;
  const { data, error, isFetching, isPlaceholderData, refetch } = useQuery({
    queryKey: ['topic-query', 'preview', asked],
    queryFn: ({ signal }) =>
      sendJson<TopicPreview>('POST', paths.previewTopicQuery, { query: asked }, signal),
    enabled: isAsked,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    retry: false,
  });
  return { data, error, isFetching, refetch, isCurrent: isAsked && !isPlaceholderData };
}
