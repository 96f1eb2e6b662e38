import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo } from 'react';
import type { PostDetails } from '@/api/wire';
import { ExploreView } from '@/features/explore/components/explore-view';
import { parseQuery, queryToSearch, type ExploreQuery } from '@/features/explore/model/query';
import { PostScores } from '@/features/live-feed/components/post-scores';

/** Posts of any period. The whole state of the page is in the URL, under the API's names. */
export function ExplorePage() {
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const query = useMemo(() => parseQuery(search), [search]);
  const onChange = useCallback(
    (next: ExploreQuery) => void navigate({ to: '/explore', search: queryToSearch(next) }),
    [navigate],
  );
  const onOpenView = useCallback(
    (saved: string) => onChange(parseQuery(Object.fromEntries(new URLSearchParams(saved)))),
    [onChange],
  );
  useEffect(() => {
    document.title = 'Explore · Groundswell';
  }, []);
  return (
    <>
      <h1 className="sr-only">Explore</h1>
      <ExploreView
        query={query}
        onChange={onChange}
        onOpenView={onOpenView}
        renderScores={renderScores}
      />
    </>
  );
}

function renderScores(details: PostDetails) {
  return <PostScores scored={details} />;
}
