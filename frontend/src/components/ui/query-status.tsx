import type { ReactNode } from 'react';
import { Failure, Skeleton } from '@/components/ui/notice';
import { isGone } from '@/lib/api-client';

interface QueryStatusProps {
  query: { error: Error | null; isPending: boolean; refetch: () => unknown };
  /** What the query loads, as it reads after “Loading”: `rules`. */
  what: string;
  /** Rows of the skeleton. */
  rows: number;
  /** Replaces the error if the server answers 404. */
  gone?: ReactNode;
}

/** A skeleton while a query loads, or its error with a retry button. */
export function QueryStatus({ query, what, rows, gone }: QueryStatusProps) {
  const { error, isPending, refetch } = query;
  if (gone !== undefined && isGone(error)) return <>{gone}</>;
  return (
    <>
      {isPending && <Skeleton rows={rows} label={`Loading ${what}`} />}
      {error !== null && (
        <Failure
          className="mt-2"
          what={`The ${what} could not be loaded`}
          error={error}
          onRetry={() => void refetch()}
        />
      )}
    </>
  );
}
