import { useMutation } from '@tanstack/react-query';
import { checkKey } from '@/features/alerts/api/known-keys';
import { RULES } from '@/features/alerts/api/resources';
import { useRefresh } from '@/features/alerts/api/use-resource';
import type { NewRule, Rule } from '@/features/alerts/api/wire';
import { sendJson } from '@/lib/api-client';

interface RuleToSave {
  rule: NewRule;
  /** The key without any posts that the person confirmed. */
  confirmedKey: string;
}

/** Creates a rule if `id` is null, otherwise replaces it, unless it watches a key that no post has named. */
export function useSaveRule(id: string | null) {
  const refresh = useRefresh(RULES);
  return useMutation({
    mutationFn: async ({ rule, confirmedKey }: RuleToSave) => {
      await checkKey(rule.scope, confirmedKey, 'scope.key');
      return id === null
        ? sendJson<Rule>('POST', RULES.all, rule)
        : sendJson<Rule>('PUT', RULES.one(id), rule);
    },
    onSuccess: refresh,
  });
}
