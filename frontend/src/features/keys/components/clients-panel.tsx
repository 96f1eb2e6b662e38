import { useState } from 'react';
import type { RevealedClient } from '@/api/identity';
import { Button } from '@/components/ui/button';
import { Empty } from '@/components/ui/notice';
import { OnceSheet } from '@/components/ui/once-sheet';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { ShowMore } from '@/components/ui/show-more';
import { useClients } from '@/features/keys/api/use-clients';
import { ClientEditor } from '@/features/keys/components/client-editor';
import { ClientRow } from '@/features/keys/components/client-row';
import { useNow } from '@/lib/use-now';

/** Programs with credentials of their own, which belong to no person. */
export function ClientsPanel() {
  const clients = useClients();
  const now = useNow(30_000);
  const [isCreating, setCreating] = useState(false);
  const [revealed, setRevealed] = useState<RevealedClient | null>(null);
  return (
    <Panel
      title="Clients"
      note="programs with a role of their own"
      actions={
        <Button look="solid" onClick={() => setCreating(true)}>
          New client
        </Button>
      }
    >
      <QueryStatus query={clients} what="clients" rows={3} />
      {clients.data?.length === 0 && (
        <Empty title="No clients yet">
          A client is a program that acts for nobody in particular. It exchanges its secret for
          short-lived tokens.
        </Empty>
      )}
      <ul aria-label="Clients" className="-mx-4 mt-2">
        {clients.data?.map((client) => (
          <ClientRow key={client.id} client={client} now={now} onRotated={setRevealed} />
        ))}
      </ul>
      <ShowMore list={clients} />
      {isCreating && (
        <ClientEditor
          onClose={() => setCreating(false)}
          onCreated={(client) => {
            setCreating(false);
            setRevealed(client);
          }}
        />
      )}
      {revealed !== null && (
        <OnceSheet
          title={`Client “${revealed.name}”`}
          parts={[
            { name: 'Client ID', text: revealed.id },
            { name: 'Client secret', text: revealed.client_secret },
          ]}
          onClose={() => setRevealed(null)}
        >
          The program exchanges both for a token at /api/v1/auth/token. If the secret is lost,
          rotate it.
        </OnceSheet>
      )}
    </Panel>
  );
}
