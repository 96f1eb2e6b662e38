import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { paths } from '@/config/paths';
import type { NewRule, RulePreview } from '@/features/alerts/api/wire';
import { sendJson } from '@/lib/api-client';

/** Debounces typing. */
const DEBOUNCE_MS = 400;

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

/** Returns the value once it has stopped changing. */
function useDebounced(value: string | null): string | null {
  const [debounced, setDebounced] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setDebounced(value), DEBOUNCE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return debounced;
}
