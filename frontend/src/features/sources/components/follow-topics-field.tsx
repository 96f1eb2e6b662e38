import { Checkbox } from '@/components/ui/checkbox';
import type { SourceDraft } from '@/features/sources/model/draft';

interface FollowTopicsFieldProps {
  draft: SourceDraft;
  set: (changes: Partial<SourceDraft>) => void;
}

/** Whether a source also hears what the enabled topics ask for. */
export function FollowTopicsField({ draft, set }: FollowTopicsFieldProps) {
  return (
    <div>
      <Checkbox checked={draft.followTopics} onChange={(followTopics) => set({ followTopics })}>
        Follow topics
      </Checkbox>
      <p className="caption mt-1">
        Also hears what the enabled topics ask for, and changes with them. The source lists what its
        network cannot be asked for.
      </p>
    </div>
  );
}
