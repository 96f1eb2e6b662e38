import { Field, TextArea } from '@/components/ui/field';
import { FollowTopicsField } from '@/features/sources/components/follow-topics-field';
import type { SourceDraft } from '@/features/sources/model/draft';

interface QueriesFieldProps {
  draft: SourceDraft;
  hint: string;
  set: (changes: Partial<SourceDraft>) => void;
  problemOf: (field: string) => string | null;
}

/** What to hear on a network that is searched: queries, and what topics ask for. */
export function QueriesField({ draft, hint, set, problemOf }: QueriesFieldProps) {
  return (
    <>
      <Field label="Queries" hint={hint} error={problemOf('queries')}>
        {(control) => (
          <TextArea
            {...control}
            rows={4}
            value={draft.queries}
            onChange={({ target }) => set({ queries: target.value })}
          />
        )}
      </Field>
      <FollowTopicsField draft={draft} set={set} />
    </>
  );
}
