import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useMemo } from 'react';
import { Empty } from '@/components/ui/notice';
import { PageLink } from '@/components/ui/page-link';
import { Tabs } from '@/components/ui/tabs';
import { AuditPanel } from '@/features/audit/components/audit-panel';
import { parseFilter } from '@/features/audit/model/filter';
import { ClientsPanel } from '@/features/keys/components/clients-panel';
import { InvitationsPanel } from '@/features/users/components/invitations-panel';
import { UsersPanel } from '@/features/users/components/users-panel';
import { useIsAdmin, useMe } from '@/lib/me';

const TABS = [
  { value: 'users', text: 'Users' },
  { value: 'invitations', text: 'Invitations' },
  { value: 'clients', text: 'Clients' },
  { value: 'audit', text: 'Audit log' },
] as const;

type Tab = (typeof TABS)[number]['value'];

/** Accounts, programs, and what they did. */
export function AdminPage() {
  const search: Record<string, unknown> = useSearch({ strict: false });
  const navigate = useNavigate();
  const tab = TABS.find(({ value }) => value === search['tab'])?.value ?? 'users';
  const filter = useMemo(() => parseFilter(search), [search]);
  const open = (next: Tab, more: object = {}) =>
    void navigate({ to: '/admin', search: { ...(next !== 'users' && { tab: next }), ...more } });
  useEffect(() => {
    document.title = 'Administration · Groundswell';
  }, []);
  const isKnown = useMe() !== undefined;
  const heading = <h1 className="sr-only">Administration</h1>;
  if (!useIsAdmin()) {
    if (!isKnown) return null;
    return (
      <>
        {heading}
        <Empty title="Only admins see this page">
          Ask an admin to make a change here. <PageLink to="/account">Go to your account</PageLink>
        </Empty>
      </>
    );
  }
  return (
    <>
      {heading}
      <Tabs label="Administration" value={tab} options={TABS} onChange={(next) => open(next)}>
        {tab === 'users' && <UsersPanel />}
        {tab === 'invitations' && <InvitationsPanel />}
        {tab === 'clients' && <ClientsPanel />}
        {tab === 'audit' && <AuditPanel filter={filter} onChange={(next) => open('audit', next)} />}
      </Tabs>
    </>
  );
}
