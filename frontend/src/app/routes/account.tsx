import { useEffect } from 'react';
import { PasswordPanel } from '@/features/account/components/password-panel';
import { ProfilePanel } from '@/features/account/components/profile-panel';
import { SessionsPanel } from '@/features/account/components/sessions-panel';
import { KeysPanel } from '@/features/keys/components/keys-panel';
import { useMe } from '@/lib/me';

/** The account of the person: who they are, where they are signed in, and their API keys. */
export function AccountPage() {
  const me = useMe();
  useEffect(() => {
    document.title = 'Account · Groundswell';
  }, []);
  if (me === undefined) return null;
  const { user } = me;
  return (
    <>
      <h1 className="sr-only">Account</h1>
      <div className="grid items-start gap-3 lg:grid-cols-2">
        {user && (
          <>
            <div className="flex flex-col gap-3">
              <ProfilePanel user={user} />
              <PasswordPanel email={user.email} />
            </div>
            <SessionsPanel />
          </>
        )}
        <div className="lg:col-span-2">
          <KeysPanel me={me} />
        </div>
      </div>
    </>
  );
}
