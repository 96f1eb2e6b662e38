import { useState } from 'react';
import type { ApiKey, CreatedApiKey } from '@/api/identity';
import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { Confirm } from '@/components/ui/confirm';
import { Failure } from '@/components/ui/notice';
import { useRevokeApiKey, useRotateApiKey } from '@/features/keys/api/use-keys';
import { KeyUsage } from '@/features/keys/components/key-usage';
import { RotatePopover } from '@/features/keys/components/rotate-popover';
import { hasEnded } from '@/features/keys/model/draft';
import { formatAgo, formatDate } from '@/lib/format';
import { describeRecorded } from '@/lib/identity-names';

interface KeyRowProps {
  apiKey: ApiKey;
  /** Whether it belongs to the person who looks at it. */
  isOwn: boolean;
  now: number;
  onRotated: (key: CreatedApiKey) => void;
}

/** One API key: what it may do, when it was used, and its actions. */
export function KeyRow({ apiKey, isOwn, now, onRotated }: KeyRowProps) {
  const { id, name, scopes, created_at, created_by, last_used_at } = apiKey;
  const rotate = useRotateApiKey(id);
  const revoke = useRevokeApiKey(id);
  const [isUsageShown, setUsageShown] = useState(false);
  const isOver = hasEnded(apiKey, now);
  const failed = rotate.error ?? revoke.error;
  return (
    <li className="border-t border-line px-4 py-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <div className="min-w-0 flex-1 basis-60 wrap-anywhere">
          <p className="flex flex-wrap items-center gap-2 text-sm font-medium">
            {name}
            {scopes.map((scope) => (
              <Badge key={scope}>{scope}</Badge>
            ))}
            {isOver && <Badge tone="outline">{apiKey.revoked_at ? 'revoked' : 'expired'}</Badge>}
          </p>
          <p className="caption">
            {[
              `created ${formatDate(created_at)}`,
              !isOwn && created_by && `by ${describeRecorded(created_by)}`,
              describeExpiry(apiKey, isOver),
              last_used_at == null ? 'never used' : `last used ${formatAgo(last_used_at, now)}`,
            ]
              .filter(Boolean)
              .join(' · ')}
          </p>
        </div>
        <div className="flex flex-wrap gap-1 max-sm:*:px-2!">
          <Button
            aria-label={`Usage of ${name}`}
            aria-expanded={isUsageShown}
            onClick={() => setUsageShown(!isUsageShown)}
          >
            Usage
          </Button>
          {!isOver && (
            <>
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
                question={`Revoke the key “${name}”?`}
                action="Revoke"
                onConfirm={() => revoke.mutate(undefined)}
              >
                Programs that use it are refused at once. This cannot be undone.
              </Confirm>
            </>
          )}
        </div>
      </div>
      {isUsageShown && <KeyUsage id={id} name={name} />}
      {failed !== null && (
        <Failure className="mt-2" what="The key could not be changed" error={failed} />
      )}
    </li>
  );
}

function describeExpiry({ expires_at, revoked_at }: ApiKey, isOver: boolean): string {
  if (revoked_at != null) return `revoked ${formatDate(revoked_at)}`;
  if (expires_at == null) return 'does not expire';
  return `${isOver ? 'expired' : 'expires'} ${formatDate(expires_at)}`;
}
