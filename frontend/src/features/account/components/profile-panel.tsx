import type { ReactNode } from 'react';
import type { User } from '@/api/identity';
import { PageLink } from '@/components/ui/page-link';
import { Panel } from '@/components/ui/panel';
import { capitalize, formatDate } from '@/lib/format';
import { ROLE_MEANINGS } from '@/lib/roles';

/** The person's account, as an admin has set it up. */
export function ProfilePanel({ user }: { user: User }) {
  const { name, email, role, plan, created_at } = user;
  return (
    <Panel title="Profile">
      <dl className="mt-1 grid gap-x-6 gap-y-2 text-sm sm:grid-cols-2">
        <Fact name="Name">{name ?? 'None'}</Fact>
        <Fact name="Email address">{email}</Fact>
        <Fact name="Role">
          {capitalize(role)}
          <span className="caption block">{ROLE_MEANINGS[role]}</span>
        </Fact>
        <Fact name="Plan">{capitalize(plan)}</Fact>
        <Fact name="Created">{formatDate(created_at)}</Fact>
      </dl>
      <p className="caption mt-2">
        {role === 'admin' ? (
          <PageLink to="/admin">Change these under Administration</PageLink>
        ) : (
          'Ask an admin to change these.'
        )}
      </p>
    </Panel>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="caption">{name}</dt>
      <dd className="wrap-anywhere">{children}</dd>
    </div>
  );
}
