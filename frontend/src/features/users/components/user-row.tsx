import type { CreatedReset, User } from '@/api/identity';
import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { Confirm } from '@/components/ui/confirm';
import { Failure, Notice } from '@/components/ui/notice';
import {
  useArchiveUser,
  useChangeUser,
  useResetUser,
  useSignOutUser,
} from '@/features/users/api/use-users';
import { formatAgo, formatDate } from '@/lib/format';
import { nameOf } from '@/lib/me';

interface UserRowProps {
  user: User;
  /** Whether it is the person who looks at it. */
  isMe: boolean;
  now: number;
  onEdit: () => void;
  /** A link that sets a new password was made. */
  onReset: (reset: CreatedReset) => void;
}

/** Buttons that stay on one line, also on a phone. */
const GROUP = 'flex gap-1 max-sm:*:px-2!';

/** One account and what can be done with it. */
export function UserRow({ user, isMe, now, onEdit, onReset }: UserRowProps) {
  const { id, email, role, plan, is_active, created_at, last_sign_in_at } = user;
  const name = nameOf(user);
  const change = useChangeUser(id);
  const archive = useArchiveUser(id);
  const signOut = useSignOutUser(id);
  const reset = useResetUser(id);
  const failed = change.error ?? archive.error ?? signOut.error ?? reset.error;
  return (
    <li className="border-t border-line px-4 py-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <div className="min-w-0 flex-1 basis-60 wrap-anywhere">
          <p className="flex flex-wrap items-center gap-2 text-sm font-medium">
            {name}
            <Badge tone={role === 'admin' ? 'brand' : 'plain'}>{role}</Badge>
            <Badge tone="outline">{plan}</Badge>
            {isMe && <Badge tone="good">you</Badge>}
            {!is_active && <Badge tone="warning">disabled</Badge>}
          </p>
          <p className="caption">
            {[
              user.name != null && email,
              `created ${formatDate(created_at)}`,
              last_sign_in_at == null
                ? 'never signed in'
                : `last signed in ${formatAgo(last_sign_in_at, now)}`,
            ]
              .filter(Boolean)
              .join(' · ')}
          </p>
        </div>
        <div className="flex flex-wrap gap-1">
          <div className={GROUP}>
            <Button aria-label={`Edit ${name}`} onClick={onEdit}>
              Edit
            </Button>
            {is_active && (
              <Button
                aria-label={`Reset link for ${name}`}
                disabled={reset.isPending}
                onClick={() => reset.mutate(undefined, { onSuccess: onReset })}
              >
                Reset link
              </Button>
            )}
            <Confirm
              trigger={<Button aria-label={`Sign out ${name}`}>Sign out</Button>}
              question={`Sign ${name} out everywhere?`}
              action="Sign out"
              onConfirm={() => signOut.mutate(undefined)}
            >
              All sessions and tokens of the account end. API keys stay valid.
            </Confirm>
          </div>
          <div className={GROUP}>
            {is_active ? (
              <Confirm
                trigger={<Button aria-label={`Disable ${name}`}>Disable</Button>}
                question={isMe ? 'Disable your own account?' : `Disable the account of ${name}?`}
                action="Disable"
                onConfirm={() => change.mutate({ is_active: false })}
              >
                {isMe
                  ? 'You are signed out at once, and only another admin can enable it again.'
                  : 'All access ends at once, also that of API keys, until it is enabled again.'}
              </Confirm>
            ) : (
              <Button
                aria-label={`Enable ${name}`}
                disabled={change.isPending}
                onClick={() => change.mutate({ is_active: true })}
              >
                Enable
              </Button>
            )}
            <Confirm
              trigger={
                <Button look="quiet" aria-label={`Archive ${name}`}>
                  Archive
                </Button>
              }
              question={`Archive the account of ${name}?`}
              action="Archive"
              onConfirm={() => archive.mutate(undefined)}
            >
              Nobody can sign in to it again. What the person did stays, under their name.
            </Confirm>
          </div>
        </div>
      </div>
      {signOut.isSuccess && (
        <Notice tone="good" className="mt-2">
          {name} is signed out everywhere.
        </Notice>
      )}
      {failed !== null && (
        <Failure className="mt-2" what="The account could not be changed" error={failed} />
      )}
    </li>
  );
}
