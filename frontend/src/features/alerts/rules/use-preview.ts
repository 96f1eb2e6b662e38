import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { paths } from '@/config/paths';
import type { NewRule, RulePreview } from '@/features/alerts/api/wire';
import { sendJson } from '@/lib/api-client';
import { useDebounced } from '@/lib/use-debounced';

/** Evaluates a rule over the last 24 hours; null while the draft is invalid. */
export function usePreview(rule: NewRule | null) {
  const asked = useDebounced(
    rule === null ? null : JSON.stringify({ ...rule, name: rule.name || '…' }),
  );
  const query = useQuery({
    queryKey: ['alert-rules', 'preview', asked],
    queryFn: () =>
      sendJson<RulePreview>('POST', paths.previewAlertRule, JSON.parse(asked ?? 'null')),
    enabled: asked !== null,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    retry: false,
  });
  return { ...query, isAsked: asked !== null };
}
