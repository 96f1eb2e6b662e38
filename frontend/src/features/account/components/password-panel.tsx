import { Button } from '@/components/ui/button';
import { EditorForm } from '@/components/ui/editor';
import { TextField } from '@/components/ui/field';
import { Notice } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { useChangePassword } from '@/features/account/api/use-account';
import { NO_PASSWORDS, readPasswords } from '@/features/account/model/draft';
import { PASSWORD_MIN } from '@/lib/password';
import { useEditor } from '@/lib/use-editor';

/** Changes the password. */
export function PasswordPanel({ email }: { email: string }) {
  const mutation = useChangePassword();
  const editor = useEditor({
    initial: NO_PASSWORDS,
    read: readPasswords,
    fields: ['current', 'new'],
    mutation,
    onSaved: () => undefined,
  });
  const { draft, set, problemOf, isSaving } = editor;
  if (mutation.isSuccess) {
    return (
      <Panel title="Password">
        <Notice tone="good" className="mt-1">
          Your password is changed. Your other sessions have ended.
        </Notice>
      </Panel>
    );
  }
  return (
    <Panel title="Password">
      <EditorForm
        label="Change password"
        what="the password"
        editor={editor}
        className="mt-1 flex max-w-sm flex-col gap-3"
        actions={
          <Button type="submit" look="solid" className="self-start" disabled={isSaving}>
            {isSaving ? 'Saving…' : 'Change password'}
          </Button>
        }
      >
        {/* Tells password managers whose password it is. */}
        <input type="text" name="email" autoComplete="username" value={email} readOnly hidden />
        <TextField
          label="Current password"
          type="password"
          name="current-password"
          autoComplete="current-password"
          error={problemOf('current')}
          value={draft.current}
          onChange={(current) => set({ current })}
        />
        <TextField
          label="New password"
          type="password"
          name="new-password"
          autoComplete="new-password"
          hint={`At least ${PASSWORD_MIN} characters.`}
          error={problemOf('new')}
          value={draft.next}
          onChange={(next) => set({ next })}
        />
      </EditorForm>
    </Panel>
  );
}
