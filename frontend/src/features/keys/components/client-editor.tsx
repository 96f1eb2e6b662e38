import type { RevealedClient } from '@/api/identity';
import { EditorSheet } from '@/components/ui/editor';
import { SelectField, TextField } from '@/components/ui/field';
import { ScopeFields } from '@/components/ui/scope-fields';
import { useCreateClient } from '@/features/keys/api/use-clients';
import { NAME_MAX, readClient, type ClientDraft } from '@/features/keys/model/draft';
import { PLAN_OPTIONS, ROLE_MEANINGS, ROLE_OPTIONS, scopesOf } from '@/lib/roles';
import { useEditor } from '@/lib/use-editor';

interface ClientEditorProps {
  onClose: () => void;
  onCreated: (client: RevealedClient) => void;
}

/** Creates a client. */
export function ClientEditor({ onClose, onCreated }: ClientEditorProps) {
  const editor = useEditor({
    initial: { name: '', role: 'viewer', plan: 'free', scopes: ['read'] } as ClientDraft,
    read: readClient,
    fields: ['name', 'role', 'plan', 'scopes'],
    mutation: useCreateClient(),
    onSaved: onCreated satisfies (client: RevealedClient) => void,
  });
  const { draft, set, problemOf } = editor;
  return (
    <EditorSheet
      title="New client"
      description="The client may do what its role may, within its scopes."
      noun="client"
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
      <SelectField
        label="Role"
        hint={ROLE_MEANINGS[draft.role]}
        error={problemOf('role')}
        value={draft.role}
        options={ROLE_OPTIONS}
        onChange={(role) => set({ role })}
      />
      <ScopeFields
        among={scopesOf(draft.role)}
        chosen={draft.scopes}
        error={problemOf('scopes')}
        onChange={(scopes) => set({ scopes })}
      />
      <SelectField
        label="Plan"
        hint="Sets how much the client may use."
        error={problemOf('plan')}
        value={draft.plan}
        options={PLAN_OPTIONS}
        onChange={(plan) => set({ plan })}
      />
    </EditorSheet>
  );
}
