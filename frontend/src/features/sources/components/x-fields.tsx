import { TextField } from '@/components/ui/field';
import { QueriesField } from '@/features/sources/components/queries-field';
import type { SourceDraft } from '@/features/sources/model/draft';

interface XFieldsProps {
  draft: SourceDraft;
  set: (changes: Partial<SourceDraft>) => void;
  problemOf: (field: string) => string | null;
}

/** The fields of a source that hears X: what to hear, and how much it may cost. */
export function XFields({ draft, set, problemOf }: XFieldsProps) {
  return (
    <>
      <QueriesField
        draft={draft}
        hint="One a line, up to 25, in X’s own query language. Each post that one of them matches costs money: add -is:retweet to leave reposts out."
        set={set}
        problemOf={problemOf}
      />
      <TextField
        label="Budget in dollars a month"
        hint="X charges $0.005 for each post that is read: $20 pays for 4,000 posts. Once it is spent, the source waits until the next month."
        error={problemOf('usd_per_month')}
        inputMode="decimal"
        value={draft.usdPerMonth}
        onChange={(usdPerMonth) => set({ usdPerMonth })}
      />
    </>
  );
}
