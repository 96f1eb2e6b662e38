import { useState } from 'react';
import { Failure } from '@/components/ui/notice';
import { useSourceQueries } from '@/features/sources/api/use-sources';
import type { Source, SourceQueries as Queries } from '@/features/sources/api/wire';
import { describeEffect, describeOrigin, writeQuery } from '@/features/sources/model/following';

/** What a source that follows topics asks its network for, and what it leaves out; unfolds. */
export function SourceQueries({ source }: { source: Source }) {
  const [isOpen, setIsOpen] = useState(false);
  const queries = useSourceQueries(source.id, isOpen);
  return (
    <details
      className="mt-1 text-sm"
      onToggle={({ currentTarget }) => setIsOpen(currentTarget.open)}
    >
      <summary className="caption w-fit rounded-md hover:text-ink">
        Queries of followed topics
        <span className="sr-only"> of {source.name}</span>
      </summary>
      <div className="thin-scroll mt-1 max-h-72 overflow-y-auto rounded-md bg-sunken px-3 py-2">
        {queries.data !== undefined && <QueryLists source={source} queries={queries.data} />}
        {queries.isPending && <p className="caption">Loading…</p>}
        {queries.error !== null && (
          <Failure
            what="The queries could not be loaded"
            error={queries.error}
            onRetry={() => void queries.refetch()}
          />
        )}
      </div>
    </details>
  );
}

interface QueryListsProps {
  source: Source;
  queries: Queries;
}

function QueryLists({ source: { name, network }, queries }: QueryListsProps) {
  const { queries: asked, left_out, notes } = queries;
  return (
    <div className="space-y-2">
      {asked.length === 0 ? (
        <p>Nothing can be asked for.</p>
      ) : (
        <ul aria-label={`Queries of ${name}`} className="space-y-1">
          {asked.map((query) => (
            <li key={query.query} className="wrap-anywhere">
              <code>{writeQuery(network, query.query)}</code>{' '}
              <span className="caption">{describeOrigin(query)}</span>
            </li>
          ))}
        </ul>
      )}
      {left_out.length > 0 && (
        <>
          <h4 className="caption font-medium">Left out</h4>
          <ul aria-label={`Left out by ${name}`} className="space-y-1">
            {left_out.map(({ topic, part, reason, effect }) => (
              <li key={`${topic} ${part} ${reason}`} className="wrap-anywhere">
                <code>{part}</code> <span className="caption">of {topic}:</span> {reason}.{' '}
                {describeEffect(effect)}
              </li>
            ))}
          </ul>
        </>
      )}
      {notes.map((note) => (
        <p key={note} className="caption">
          {note}.
        </p>
      ))}
    </div>
  );
}
