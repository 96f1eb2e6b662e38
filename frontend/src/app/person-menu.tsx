import { PageLink } from '@/components/ui/page-link';
import { AccountMenu } from '@/features/account/components/account-menu';
import { NamePopover } from '@/features/person/components/name-popover';
import { useAuthState } from '@/features/sign-in/api/use-sign-in';
import { useMe } from '@/lib/me';

/** The account of the person, or without one their name. It opens as soon as it is loaded, because a click loaded it. */
export function PersonMenu() {
  const me = useMe();
  if (me?.user) return <AccountMenu me={me} user={me.user} onSignedOut={leave} />;
  return (
    <NamePopover>
      <WithoutAccount />
    </NamePopover>
  );
}

/** Everything that the page holds belongs to the person who leaves, so it is loaded anew. */
function leave() {
  window.location.assign('/sign-in');
}

/** The pages for those who have no account. */
function WithoutAccount() {
  const me = useMe();
  const state = useAuthState();
  if (me === undefined) return null;
  return (
    <ul className="mt-3 space-y-1 border-t border-line pt-2.5 text-sm">
      <li>
        <PageLink to="/account">API keys</PageLink>
      </li>
      <li>
        <PageLink to="/admin">Administration</PageLink>
      </li>
      {state.data?.setup_required === true && (
        <li>
          <PageLink to="/set-up">Create the first account</PageLink>
        </li>
      )}
    </ul>
  );
}
