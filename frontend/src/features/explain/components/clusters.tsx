import { ExploreLink } from '@/components/ui/explore-link';
import type { Explanation } from '@/features/explain/api/use-explanation';
import type { SearchOf } from '@/features/explain/components/explain-sheet';
import { formatCount, formatPosts, formatShare } from '@/lib/format';

interface ClustersProps {
  items: Explanation['clusters'];
  searchOf: SearchOf;
}

/** Groups of posts with nearly the same text, each with its earliest post. */
export function Clusters({ items, searchOf }: ClustersProps) {
  if (items.length === 0) {
    return <p className="text-sm text-ink-soft">No text occurs three times or more.</p>;
  }
  return (
    <ul className="flex flex-col gap-2">
      {items.map((cluster) => (
        <li
          key={cluster.example.uuid}
          className="rounded-md border border-line bg-raised px-3 py-2 text-sm"
        >
          <p className="caption flex flex-wrap gap-x-2">
            <span className="font-semibold text-ink">
              {formatPosts(cluster.posts)} ({formatShare(cluster.share, 1)})
            </span>
            <span>
              by {formatCount(cluster.authors)} {cluster.authors === 1 ? 'author' : 'authors'}
            </span>
          </p>
          <p
            className="mt-1 line-clamp-3 break-words"
            lang={cluster.example.lang ?? undefined}
            dir="auto"
          >
            {cluster.example.text}
          </p>
          <p className="caption mt-1 flex flex-wrap gap-x-3 gap-y-1">
            <ExploreLink search={searchOf({ post: cluster.example.uuid })}>
              Earliest post{cluster.example.author != null && ` by ${cluster.example.author}`}
            </ExploreLink>
            {cluster.phrase != null && (
              <ExploreLink
                search={searchOf({ q: `"${cluster.phrase}"` })}
                title="Show posts that contain these words"
              >
                {formatPosts(cluster.phrase_posts)} with “{cluster.phrase}”
              </ExploreLink>
            )}
          </p>
        </li>
      ))}
    </ul>
  );
}
