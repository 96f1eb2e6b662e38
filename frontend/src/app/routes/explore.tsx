import { useSearch } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useHistory } from '@/features/live-feed/api/use-history';
import { FeedPanel } from '@/features/live-feed/components/feed-panel';
import { filterOf, isFiltered, parseView } from '@/lib/view';

/** What was said before, by the filter in the address. */
export function ExplorePage() {
  const view = parseView(useSearch({ strict: false }));
  const history = useHistory(filterOf(view));
  useEffect(() => {
    document.title = 'Explore · Groundswell';
  }, []);
  return (
    <>
      <h1 className="sr-only">Explore</h1>
      <FeedPanel posts={history.data ?? []} oneIn={1} isFiltered={isFiltered(view)} />
    </>
  );
}
