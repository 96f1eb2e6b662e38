import { useState } from 'react';
import type { Me, User } from '@/api/identity';
import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { PersonIcon } from '@/components/ui/icons';
import { Failure } from '@/components/ui/notice';
import { PageLink } from '@/components/ui/page-link';
import { Popover } from '@/components/ui/popover';
import { useSignOut } from '@/features/account/api/use-account';
import { hasAccess, nameOf } from '@/lib/me';

interface AccountMenuProps {
  me: Me;
  user: User;
  onSignedOut: () => void;
}

/** Who is signed in, their pages, and the way out. */
export function AccountMenu({ me, user, onSignedOut }: AccountMenuProps) {
  const [open, setOpen] = useState(true);
  const signOut = useSignOut();
  const links = [
    ['/account', 'Account'] as const,
    ...(hasAccess(me, 'admin') ? [['/admin', 'Administration'] as const] : []),
  ];
  return (
    <Popover
      look="quiet"
      text={<PersonIcon />}
      label={`Account: ${nameOf(user)}`}
      open={open}
      onOpenChange={setOpen}
    >
      <p className="flex flex-wrap items-center gap-2 text-sm font-semibold wrap-anywhere">
        {nameOf(user)}
        <Badge tone="brand">{me.role}</Badge>
      </p>
      {user.name != null && <p className="caption wrap-anywhere">{user.email}</p>}
      <ul className="mt-2.5 space-y-1.5 border-t border-line pt-2.5 text-sm">
        {links.map(([to, text]) => (
          <li key={to} onClickCapture={() => setOpen(false)}>
            <PageLink to={to}>{text}</PageLink>
          </li>
        ))}
      </ul>
      <div className="mt-2.5 border-t border-line pt-2.5">
        <Button
          disabled={signOut.isPending}
          onClick={() => signOut.mutate(undefined, { onSuccess: onSignedOut })}
        >
          {signOut.isPending ? 'Signing out…' : 'Sign out'}
        </Button>
        {signOut.error !== null && (
          <Failure className="mt-2" what="You are still signed in" error={signOut.error} />
        )}
      </div>
    </Popover>
  );
}
