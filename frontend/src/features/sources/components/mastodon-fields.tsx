import { Checkbox } from '@/components/ui/checkbox';
import { TextField } from '@/components/ui/field';
import { FollowTopicsField } from '@/features/sources/components/follow-topics-field';
import type { SourceDraft } from '@/features/sources/model/draft';

/** The server's limit on an address, in characters. */
const BASE_URL_MAX = 512;

interface MastodonFieldsProps {
  draft: SourceDraft;
  set: (changes: Partial<SourceDraft>) => void;
  problemOf: (field: string) => string | null;
}

/** The settings of a source that hears an instance of Mastodon. */
export function MastodonFields({ draft, set, problemOf }: MastodonFieldsProps) {
  return (
    <>
      <TextField
        label="Address of the instance"
        hint="Plain http and private addresses need the operator’s permission (--egress-allow)."
        error={problemOf('base_url')}
        type="url"
        placeholder="https://"
        maxLength={BASE_URL_MAX}
        value={draft.baseUrl}
        onChange={(baseUrl) => set({ baseUrl })}
      />
      <TextField
        label="Hashtags (optional)"
        hint={
          draft.followTopics
            ? 'Up to 20, such as: cats dogs. Topics add theirs.'
            : 'Up to 20, such as: cats dogs. Leave empty for the public timeline.'
        }
        error={problemOf('tags')}
        value={draft.tags}
        onChange={(tags) => set({ tags })}
      />
      <FollowTopicsField draft={draft} set={set} />
      <Checkbox checked={draft.onlyLocal} onChange={(onlyLocal) => set({ onlyLocal })}>
        Only posts that were written on the instance itself
      </Checkbox>
    </>
  );
}
