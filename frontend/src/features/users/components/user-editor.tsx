import type { User } from '@/api/identity';
import { EditorSheet } from '@/components/ui/editor';
import { TextField } from '@/components/ui/field';
import { useChangeUser } from '@/features/users/api/use-users';
import { RoleFields } from '@/features/users/components/role-fields';
import { readUser, toDraft } from '@/features/users/model/draft';
import { NAME_MAX } from '@/lib/person';
import { useEditor } from '@/lib/use-editor';

/** Changes the name, the role and the plan of an account. */
export function UserEditor({ user, onClose }: { user: User; onClose: () => void }) {
  const editor = useEditor({
    initial: () => toDraft(user),
    read: readUser,
    fields: ['name', 'role', 'plan'],
    mutation: useChangeUser(user.id),
    onSaved: onClose satisfies () => void,
  });
  const { draft, set, problemOf } = editor;
  return (
    <EditorSheet
      title={user.email}
      description="A change counts within five seconds, also for pages that are open."
      noun="user"
      editor={editor}
      onClose={onClose}
    >
      <TextField
        label="Name"
        hint="Shown to others beside what the person does. Optional."
        error={problemOf('name')}
        maxLength={NAME_MAX * 2}
        autoComplete="off"
        value={draft.name}
        onChange={(name) => set({ name })}
      />
      <RoleFields draft={draft} problemOf={problemOf} onChange={set} />
    </EditorSheet>
  );
}
