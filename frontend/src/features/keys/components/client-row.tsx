import type { Client, RevealedClient } from '@/api/identity';
import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { Confirm } from '@/components/ui/confirm';
import { Failure } from '@/components/ui/notice';
import { useRevokeClient, useRotateClientSecret } from '@/features/keys/api/use-clients';
import { RotatePopover } from '@/features/keys/components/rotate-popover';
import { hasTwoSecrets } from '@/features/keys/model/draft';
import { formatAgo, formatDate } from '@/lib/format';
import { describeRecorded } from '@/lib/identity-names';

interface ClientRowProps {
  client: Client;
  now: number;
  onRotated: (client: RevealedClient) => void;
}

/** One client: what it may do, when it was used, and its actions. */
export function ClientRow({ client, now, onRotated }: ClientRowProps) {
  const { id, name, role, plan, scopes, created_at, created_by, last_used_at } = client;
  const rotate = useRotateClientSecret(id);
  const revoke = useRevokeClient(id);
  const failed = rotate.error ?? revoke.error;
  return (
    <li className="border-t border-line px-4 py-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <div className="min-w-0 flex-1 basis-60 wrap-anywhere">
          <p className="flex flex-wrap items-center gap-2 text-sm font-medium">
            {name}
            <Badge tone={role === 'admin' ? 'brand' : 'plain'}>{role}</Badge>
            <Badge tone="outline">{plan}</Badge>
            {scopes.map((scope) => (
              <Badge key={scope}>{scope}</Badge>
            ))}
          </p>
          <p className="caption">
            {[
              `created ${formatDate(created_at)}`,
              created_by && `by ${describeRecorded(created_by)}`,
              last_used_at == null ? 'never used' : `last used ${formatAgo(last_used_at, now)}`,
              hasTwoSecrets(client, now) &&
                client.previous_secret_expires_at &&
                `previous secret valid until ${formatDate(client.previous_secret_expires_at)}`,
            ]
              .filter(Boolean)
              .join(' · ')}
          </p>
          <p className="caption break-all">{id}</p>
        </div>
        <div className="flex flex-wrap gap-1 max-sm:*:px-2!">
          <RotatePopover
            name={name}
            disabled={rotate.isPending}
            onRotate={(seconds) => rotate.mutate(seconds, { onSuccess: onRotated })}
          />
          <Confirm
            trigger={
              <Button look="quiet" aria-label={`Revoke ${name}`}>
                Revoke
              </Button>
            }
            question={`Revoke the client “${name}”?`}
            action="Revoke"
            onConfirm={() => revoke.mutate(undefined)}
          >
            The program and its tokens are refused at once. This cannot be undone.
          </Confirm>
        </div>
      </div>
      {failed !== null && (
        <Failure className="mt-2" what="The client could not be changed" error={failed} />
      )}
    </li>
  );
}
