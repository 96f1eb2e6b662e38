import { useEffect } from 'react';
import { SourcesView } from '@/features/sources/components/sources-view';

/** Where posts come from. */
export function SourcesPage() {
  useEffect(() => {
    document.title = 'Sources · Groundswell';
  }, []);
  return (
    <>
      <h1 className="sr-only">Sources</h1>
      <SourcesView />
    </>
  );
}
