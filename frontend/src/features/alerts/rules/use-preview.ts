import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { paths } from '@/config/paths';
import type { NewRule, RulePreview } from '@/features/alerts/api/wire';
import { sendJson } from '@/lib/api-client';

/** Long enough that a number typed in one go is asked about once. */
const SETTLE_MS = 400;

/** What a rule would have done on the last day; null while it cannot be meant. */
export function usePreview(rule: NewRule | null) {
  const asked = useSettled(
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

/** The value, once it has stayed the same for a moment. */
function useSettled(value: string | null): string | null {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
