import { useState } from 'react';
import { Allowed } from '@/components/ui/allowed';
import { Button } from '@/components/ui/button';
import { Empty } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { useActOnSource, useRates, useSources } from '@/features/sources/api/use-sources';
import type { RevealedSource, Source } from '@/features/sources/api/wire';
import { ActionOutcome } from '@/features/sources/components/action-outcome';
import { SecretSheet, type Revealed } from '@/features/sources/components/secret-sheet';
import { SourceEditor } from '@/features/sources/components/source-editor';
import { SourceRow } from '@/features/sources/components/source-row';
import { BLUESKY } from '@/features/sources/model/action';
import { useNow } from '@/lib/use-now';

/** All sources, with their editor. */
export function SourcesView() {
  const sources = useSources();
  const rateOf = useRates(sources);
  const [revealed, setRevealed] = useState<Revealed | null>(null);
  const reveal = ({ id, name, secret }: RevealedSource) => {
    if (secret) setRevealed({ id, name, secret });
  };
  const action = useActOnSource(reveal);
  const now = useNow(1_000);
  const [edited, setEdited] = useState<Source | 'new' | null>(null);
  return (
    <Panel
      title="Sources"
      note="where posts come from"
      actions={
        <Allowed to="create_source">
          <Button
            look={sources.data?.length === 0 ? 'outline' : 'solid'}
            onClick={() => setEdited('new')}
          >
            Add source
          </Button>
        </Allowed>
      }
    >
      <QueryStatus query={sources} what="sources" rows={5} />
      <ActionOutcome action={action} />
      {sources.data?.length === 0 && (
        <Empty title="No sources yet">
          <p>
            A source connects to a social network and brings in posts as they are written. Bluesky
            requires no account or key. Other systems can deliver posts to a webhook.
          </p>
          <Allowed to="create_source">
            <Button
              look="solid"
              className="mt-3"
              disabled={action.isPending}
              onClick={() => action.mutate({ kind: 'create', content: BLUESKY })}
            >
              Connect Bluesky
            </Button>
          </Allowed>
        </Empty>
      )}
      <ul aria-label="Sources" className="-mx-4 mt-2">
        {sources.data?.map((source) => (
          <SourceRow
            key={source.id}
            source={source}
            perMinute={rateOf(source.id)}
            now={now}
            isBusy={isAbout(source, action)}
            onAct={action.mutate}
            onEdit={() => setEdited(source)}
            onRevealed={reveal}
          />
        ))}
      </ul>
      {edited !== null && (
        <SourceEditor
          source={edited === 'new' ? null : edited}
          onClose={() => setEdited(null)}
          onSaved={(source) => {
            setEdited(null);
            reveal(source);
          }}
        />
      )}
      {revealed !== null && <SecretSheet revealed={revealed} onClose={() => setRevealed(null)} />}
    </Panel>
  );
}

/** Whether an action on the source is under way. */
function isAbout({ id }: Source, action: ReturnType<typeof useActOnSource>): boolean {
  const asked = action.isPending ? action.variables : null;
  return asked !== null && asked.kind !== 'create' && asked.source.id === id;
}
