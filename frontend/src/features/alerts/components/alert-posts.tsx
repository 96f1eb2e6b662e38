import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { ExploreLink } from '@/components/ui/explore-link';
import { SourceBadge } from '@/components/ui/source-badge';
import type { AlertDetails } from '@/features/alerts/api/wire';
import { exploreSearch } from '@/features/alerts/model/explore-search';
import { formatScore } from '@/lib/format';

/** Enough to judge an alert, so that its history is not far below. */
const FIRST_SHOWN = 5;

/** The posts behind an alert, the first few until a person wants all. */
export function AlertPosts({ alert }: { alert: AlertDetails }) {
  const [all, setAll] = useState(false);
  const shown = all ? alert.posts : alert.posts.slice(0, FIRST_SHOWN);
  return (
    <>
      <ul aria-label="Posts behind this alert" className="space-y-2.5">
        {shown.map((post) => (
          <li key={post.uuid} className="border-l-2 border-line-strong pl-3">
            <p className="text-sm leading-snug break-words" dir="auto">
              {post.text}
            </p>
            <p className="caption mt-1 flex flex-wrap items-center gap-1.5">
              {post.platform} <SourceBadge source={post.source} />
              {alert.rule === 'churn' && `churn ${formatScore(post.churn_risk)}`}
              <ExploreLink search={exploreSearch(alert, { post: post.uuid })}>
                View post
              </ExploreLink>
            </p>
          </li>
        ))}
      </ul>
      {shown.length < alert.posts.length && (
        <Button className="mt-2.5" onClick={() => setAll(true)}>
          Show all {alert.posts.length} posts
        </Button>
      )}
    </>
  );
}
