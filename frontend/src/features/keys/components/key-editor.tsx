import type { CreatedApiKey, Scope } from '@/api/identity';
import { EditorSheet } from '@/components/ui/editor';
import { SelectField, TextField } from '@/components/ui/field';
import { ScopeFields } from '@/components/ui/scope-fields';
import { useCreateApiKey } from '@/features/keys/api/use-keys';
import { LIFETIMES, NAME_MAX, readKey, type KeyDraft } from '@/features/keys/model/draft';
import { useEditor } from '@/lib/use-editor';

interface KeyEditorProps {
  /** The scopes of the person, beyond which a key grants nothing. */
  scopes: readonly Scope[];
  onClose: () => void;
  onCreated: (key: CreatedApiKey) => void;
}

/** Creates an API key. */
export function KeyEditor({ scopes, onClose, onCreated }: KeyEditorProps) {
  const editor = useEditor({
    initial: (): KeyDraft => ({
      name: '',
      scopes: scopes.includes('ingest') ? ['ingest'] : ['read'],
      lifetime: '90',
    }),
    read: (draft) => readKey(draft, Date.now()),
    fields: ['name', 'scopes', 'expires_at'],
    mutation: useCreateApiKey(),
    onSaved: onCreated satisfies (key: CreatedApiKey) => void,
  });
  const { draft, set, problemOf } = editor;
  return (
    <EditorSheet
      title="New API key"
      description="The key may do what you may, within its scopes. It ends with your account."
      noun="key"
      editor={editor}
      onClose={onClose}
    >
      <TextField
        label="Name"
        hint="Such as the program that uses it."
        error={problemOf('name')}
        maxLength={NAME_MAX}
        autoComplete="off"
        value={draft.name}
        onChange={(name) => set({ name })}
      />
      <ScopeFields
        among={scopes}
        chosen={draft.scopes}
        error={problemOf('scopes')}
        onChange={(chosen) => set({ scopes: chosen })}
      />
      <SelectField
        label="Expires after"
        error={problemOf('expires_at')}
        value={draft.lifetime}
        options={LIFETIMES}
        onChange={(lifetime) => set({ lifetime })}
      />
    </EditorSheet>
  );
}
