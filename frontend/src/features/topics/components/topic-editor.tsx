import { Checkbox } from '@/components/ui/checkbox';
import { EditorSheet } from '@/components/ui/editor';
import { SelectField, TextField } from '@/components/ui/field';
import { useQueryCheck } from '@/features/topics/api/use-topic-query';
import { useSaveTopic } from '@/features/topics/api/use-topics';
import { KINDS, type Topic } from '@/features/topics/api/wire';
import { QueryField } from '@/features/topics/components/query-field';
import { QueryPreview, type RenderPost } from '@/features/topics/components/query-preview';
import { KIND_HINTS } from '@/features/topics/model/describe';
import { isOurs, NEW_DRAFT, readDraft, toDraft, tracksChurn } from '@/features/topics/model/draft';
import { leavesOut, PACKS, withExclusion } from '@/features/topics/model/packs';
import { capitalize } from '@/lib/format';
import { useEditor } from '@/lib/use-editor';

const FIELDS = ['name', 'kind', 'query'];

const KIND_OPTIONS = KINDS.map((value) => ({ value, text: capitalize(value) }));

interface TopicEditorProps {
  /** Null for a new topic. */
  topic: Topic | null;
  renderPost: RenderPost;
  onClose: () => void;
}

/** The form for a topic, with a preview of the posts that its query matches. */
export function TopicEditor({ topic, renderPost, onClose }: TopicEditorProps) {
  const editor = useEditor({
    initial: () => (topic === null ? NEW_DRAFT : toDraft(topic)),
    read: readDraft,
    fields: FIELDS,
    mutation: useSaveTopic(topic?.id ?? null),
    onSaved: onClose,
  });
  const { draft, set, problemOf } = editor;
  const check = useQueryCheck(draft.query);
  return (
    <EditorSheet
      title={topic === null ? 'New topic' : `Edit “${topic.name}”`}
      description="Applies to new posts. Posts that are already stored are not matched."
      noun="topic"
      editor={editor}
      onClose={onClose}
    >
      <TextField
        label="Name"
        hint="Posts are counted under this name, as a product."
        error={problemOf('name')}
        maxLength={100}
        value={draft.name}
        onChange={(name) => set({ name })}
      />
      <SelectField
        label="Kind"
        hint={KIND_HINTS[draft.kind]}
        error={problemOf('kind')}
        value={draft.kind}
        options={KIND_OPTIONS}
        onChange={(kind) => set({ kind })}
      />
      <fieldset className="flex flex-col gap-1.5">
        <legend className="sr-only">Options</legend>
        <Checkbox checked={isOurs(draft)} onChange={(chosen) => set({ isOurs: chosen })}>
          About our own organization
        </Checkbox>
        <Checkbox checked={tracksChurn(draft)} onChange={(chosen) => set({ tracksChurn: chosen })}>
          Posts that suggest churn may open alerts
        </Checkbox>
      </fieldset>
      <QueryField
        query={draft.query}
        check={check}
        error={problemOf('query')}
        onChange={(query) => set({ query })}
      />
      <fieldset className="flex flex-col gap-1.5" disabled={draft.query.trim() === ''}>
        <legend className="mb-1.5 text-sm font-medium">Leave out</legend>
        {PACKS.map(([pack, text]) => (
          <Checkbox
            key={pack}
            checked={leavesOut(draft.query, pack)}
            onChange={(excluded) => set({ query: withExclusion(draft.query, pack, excluded) })}
          >
            {text}
          </Checkbox>
        ))}
      </fieldset>
      <QueryPreview
        query={draft.query}
        isValid={check.isCurrent ? (check.check?.valid ?? null) : null}
        renderPost={renderPost}
      />
    </EditorSheet>
  );
}
