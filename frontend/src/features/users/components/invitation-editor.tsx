import type { CreatedInvitation } from '@/api/identity';
import { EditorSheet } from '@/components/ui/editor';
import { TextField } from '@/components/ui/field';
import { useInvite } from '@/features/users/api/use-users';
import { RoleFields } from '@/features/users/components/role-fields';
import { readInvitation, type InvitationDraft } from '@/features/users/model/draft';
import { useEditor } from '@/lib/use-editor';

interface InvitationEditorProps {
  onClose: () => void;
  onCreated: (invitation: CreatedInvitation) => void;
}

/** Invites somebody. */
export function InvitationEditor({ onClose, onCreated }: InvitationEditorProps) {
  const editor = useEditor({
    initial: { email: '', role: 'viewer', plan: 'free' } as InvitationDraft,
    read: readInvitation,
    fields: ['email', 'role', 'plan'],
    mutation: useInvite(),
    onSaved: onCreated satisfies (invitation: CreatedInvitation) => void,
  });
  const { draft, set, problemOf } = editor;
  return (
    <EditorSheet
      title="Invite"
      description="The person chooses their own password. An earlier invitation to the same address ends."
      noun="invitation"
      editor={editor}
      onClose={onClose}
    >
      <TextField
        label="Email address"
        type="email"
        error={problemOf('email')}
        autoComplete="off"
        value={draft.email}
        onChange={(email) => set({ email })}
      />
      <RoleFields draft={draft} problemOf={problemOf} onChange={set} />
    </EditorSheet>
  );
}
