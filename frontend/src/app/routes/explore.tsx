import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo } from 'react';
import type { PostDetails } from '@/api/wire';
import { ExploreView } from '@/features/explore/components/explore-view';
import { parseQuery, queryToSearch, type ExploreQuery } from '@/features/explore/model/query';
import { WorkPartsContext, type WorkParts } from '@/features/explore/model/work-parts';
import { PostScores } from '@/features/live-feed/components/post-scores';
import { WorkBadges } from '@/features/work/components/work-badges';
import { ListWorkBar } from '@/features/work/components/work-bar';
import { WorkPanel } from '@/features/work/components/work-panel';
import { fromQueryString } from '@/lib/api-client';

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
    (saved: string) => onChange(parseQuery(fromQueryString(saved))),
    [onChange],
  );
  useEffect(() => {
    document.title = 'Explore · Groundswell';
  }, []);
  return (
    <>
      <h1 className="sr-only">Explore</h1>
      <WorkPartsContext value={WORK_PARTS}>
        <ExploreView
          query={query}
          onChange={onChange}
          onOpenView={onOpenView}
          renderScores={renderScores}
        />
      </WorkPartsContext>
    </>
  );
}

const WORK_PARTS: WorkParts = { Bar: ListWorkBar, Badges: WorkBadges, Panel: WorkPanel };

function renderScores(details: PostDetails) {
  return <PostScores scored={details} />;
}
