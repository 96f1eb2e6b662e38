import { useState } from 'react';
import type { CreatedInvitation, Invitation } from '@/api/identity';
import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { Confirm } from '@/components/ui/confirm';
import { Empty, Failure } from '@/components/ui/notice';
import { OnceSheet } from '@/components/ui/once-sheet';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { ShowMore } from '@/components/ui/show-more';
import { useInvitations, useRevokeInvitation } from '@/features/users/api/use-users';
import { InvitationEditor } from '@/features/users/components/invitation-editor';
import { addressOf } from '@/features/users/model/draft';
import { formatDate } from '@/lib/format';
import { describeRecorded } from '@/lib/identity-names';

/** The invitations that nobody has accepted yet. */
export function InvitationsPanel() {
  const invitations = useInvitations();
  const revoke = useRevokeInvitation();
  const [isInviting, setInviting] = useState(false);
  const [created, setCreated] = useState<CreatedInvitation | null>(null);
  return (
    <Panel
      title="Invitations"
      note="not accepted yet"
      actions={
        <Button look="solid" onClick={() => setInviting(true)}>
          Invite
        </Button>
      }
    >
      <QueryStatus query={invitations} what="invitations" rows={3} />
      {revoke.error !== null && (
        <Failure className="mt-2" what="The invitation could not be revoked" error={revoke.error} />
      )}
      {invitations.data?.length === 0 && (
        <Empty title="No open invitations">Invite the people who should have an account.</Empty>
      )}
      <ul aria-label="Invitations" className="-mx-4 mt-2">
        {invitations.data?.map((invitation) => (
          <Row
            key={invitation.id}
            invitation={invitation}
            onRevoke={() => revoke.mutate(invitation.id)}
          />
        ))}
      </ul>
      <ShowMore list={invitations} />
      {isInviting && (
        <InvitationEditor
          onClose={() => setInviting(false)}
          onCreated={(invitation) => {
            setInviting(false);
            setCreated(invitation);
          }}
        />
      )}
      {created !== null && (
        <OnceSheet
          title={`Invitation for ${created.email}`}
          parts={[{ name: 'Link', text: addressOf(created.link) }]}
          onClose={() => setCreated(null)}
        >
          {created.mailed
            ? 'It is also mailed to the person.'
            : 'No mail is sent: give it to the person over a channel that only they read.'}{' '}
          It is valid until {formatDate(created.expires_at)}.
        </OnceSheet>
      )}
    </Panel>
  );
}

function Row({ invitation, onRevoke }: { invitation: Invitation; onRevoke: () => void }) {
  const { email, role, plan, created_by, expires_at } = invitation;
  const by = created_by == null ? '' : `by ${describeRecorded(created_by)}, `;
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1.5 border-t border-line px-4 py-2.5">
      <div className="min-w-0 flex-1 basis-60 wrap-anywhere">
        <p className="flex flex-wrap items-center gap-2 text-sm font-medium">
          {email}
          <Badge tone={role === 'admin' ? 'brand' : 'plain'}>{role}</Badge>
          <Badge tone="outline">{plan}</Badge>
        </p>
        <p className="caption">
          {by}expires {formatDate(expires_at)}
        </p>
      </div>
      <Confirm
        trigger={<Button aria-label={`Revoke the invitation for ${email}`}>Revoke</Button>}
        question={`Revoke the invitation for ${email}?`}
        action="Revoke"
        onConfirm={onRevoke}
      >
        The link stops working at once.
      </Confirm>
    </li>
  );
}
