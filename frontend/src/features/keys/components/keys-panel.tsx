import { useState } from 'react';
import type { CreatedApiKey, Me } from '@/api/identity';
import { Button } from '@/components/ui/button';
import { Empty } from '@/components/ui/notice';
import { OnceSheet } from '@/components/ui/once-sheet';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { ShowMore } from '@/components/ui/show-more';
import { useApiKeys } from '@/features/keys/api/use-keys';
import { KeyEditor } from '@/features/keys/components/key-editor';
import { KeyRow } from '@/features/keys/components/key-row';
import { hasAccess } from '@/lib/me';
import { useNow } from '@/lib/use-now';

/** The API keys that the person manages: their own, and an admin's those of all. */
export function KeysPanel({ me }: { me: Me }) {
  const keys = useApiKeys();
  const now = useNow(30_000);
  const [isCreating, setCreating] = useState(false);
  const [created, setCreated] = useState<CreatedApiKey | null>(null);
  return (
    <Panel
      title="API keys"
      note={hasAccess(me, 'admin') ? 'of everyone, for programs' : 'for programs that act for you'}
      actions={
        <Button look="solid" onClick={() => setCreating(true)}>
          New key
        </Button>
      }
    >
      <QueryStatus query={keys} what="API keys" rows={3} />
      {keys.data?.length === 0 && (
        <Empty title="No API keys yet">
          A program presents a key to send or read posts, within the scopes that you choose.
        </Empty>
      )}
      <ul aria-label="API keys" className="-mx-4 mt-2">
        {keys.data?.map((key) => (
          <KeyRow
            key={key.id}
            apiKey={key}
            isOwn={(key.owner ?? null) === (me.user?.id ?? null)}
            now={now}
            onRotated={setCreated}
          />
        ))}
      </ul>
      <ShowMore list={keys} />
      {isCreating && (
        <KeyEditor
          scopes={me.scopes}
          onClose={() => setCreating(false)}
          onCreated={(key) => {
            setCreating(false);
            setCreated(key);
          }}
        />
      )}
      {created !== null && (
        <OnceSheet
          title={`Key “${created.name}”`}
          parts={[{ name: 'Key', text: created.key }]}
          onClose={() => setCreated(null)}
        >
          Send it as a bearer token: “Authorization: Bearer gsk_…”. If it is lost, rotate it.
        </OnceSheet>
      )}
    </Panel>
  );
}
