import { useState } from 'react';
import type { CreatedReset, User } from '@/api/identity';
import { Empty } from '@/components/ui/notice';
import { OnceSheet } from '@/components/ui/once-sheet';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { ShowMore } from '@/components/ui/show-more';
import { useUsers } from '@/features/users/api/use-users';
import { UserEditor } from '@/features/users/components/user-editor';
import { UserRow } from '@/features/users/components/user-row';
import { addressOf } from '@/features/users/model/draft';
import { formatDate } from '@/lib/format';
import { nameOf, useMe } from '@/lib/me';
import { useNow } from '@/lib/use-now';

type Open = { kind: 'edit'; user: User } | { kind: 'reset'; user: User; reset: CreatedReset };

/** Every account, with its editor. */
export function UsersPanel() {
  const users = useUsers();
  const me = useMe();
  const now = useNow(30_000);
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => setOpen(null);
  return (
    <Panel title="Users" note="people with an account">
      <QueryStatus query={users} what="users" rows={5} />
      {users.data?.length === 0 && (
        <Empty title="No accounts yet">
          Create the first one under “Your name” at the top. Then everyone has to sign in.
        </Empty>
      )}
      <ul aria-label="Users" className="-mx-4 mt-2">
        {users.data?.map((user) => (
          <UserRow
            key={user.id}
            user={user}
            isMe={user.id === me?.user?.id}
            now={now}
            onEdit={() => setOpen({ kind: 'edit', user })}
            onReset={(reset) => setOpen({ kind: 'reset', user, reset })}
          />
        ))}
      </ul>
      <ShowMore list={users} />
      {open?.kind === 'edit' && <UserEditor user={open.user} onClose={close} />}
      {open?.kind === 'reset' && (
        <OnceSheet
          title={`Reset link for ${nameOf(open.user)}`}
          parts={[{ name: 'Link', text: addressOf(open.reset.link) }]}
          onClose={close}
        >
          Give it to the person over a channel that only they read. It sets their password, once,
          until {formatDate(open.reset.expires_at)}.
        </OnceSheet>
      )}
    </Panel>
  );
}
