import { use, type ReactNode } from 'react';
import type { PostDetails } from '@/api/wire';
import { AuthorLink } from '@/components/ui/author-link';
import { Badge } from '@/components/ui/badge';
import { Empty } from '@/components/ui/notice';
import { QueryStatus } from '@/components/ui/query-status';
import { Sheet } from '@/components/ui/sheet';
import { SourceBadge } from '@/components/ui/source-badge';
import { usePostDetails } from '@/features/explore/api/use-posts';
import { LabelEditor } from '@/features/explore/components/label-editor';
import { describeEngagement } from '@/features/explore/components/post-row';
import { WorkPartsContext } from '@/features/explore/model/work-parts';
import { isWebAddress } from '@/lib/post';
import { formatFullTime } from '@/lib/time';

interface PostSheetProps {
  uuid: string;
  tz: string;
  onClose: () => void;
  /** Renders the scores and their history, which belong to another feature. */
  renderScores: (details: PostDetails) => ReactNode;
}

/** The details of a post, with its label editor. */
export function PostSheet({ uuid, tz, onClose, renderScores }: PostSheetProps) {
  const query = usePostDetails(uuid);
  const { data } = query;
  const work = use(WorkPartsContext);
  return (
    <Sheet title="Post" onClose={onClose}>
      <QueryStatus
        query={query}
        what="post"
        rows={8}
        gone={
          <Empty title="Post not found">
            It may have been deleted: posts are kept for a limited time.
          </Empty>
        }
      />
      {data !== undefined && (
        <div className="flex flex-col gap-4">
          <article>
            <p className="caption flex flex-wrap items-center gap-x-2 gap-y-1">
              <span>
                {data.post.platform}
                <AuthorLink post={data.post} lead=" · " />
              </span>
              <time dateTime={data.post.created_at}>
                {formatFullTime(data.post.created_at, tz)}
              </time>
              <SourceBadge source={data.post.source} />
            </p>
            <p
              className="mt-1.5 text-base leading-relaxed break-words whitespace-pre-wrap"
              lang={data.post.lang ?? undefined}
              dir="auto"
            >
              {data.post.text}
            </p>
            <p className="caption mt-2 flex flex-wrap items-center gap-1.5">
              {data.post.products.map((product) => (
                <Badge key={product} tone="brand">
                  {product}
                </Badge>
              ))}
              <span>
                {[
                  data.post.city && `in ${data.post.city}`,
                  data.post.channel && `via ${data.post.channel}`,
                  describeEngagement(data.post),
                ]
                  .filter(Boolean)
                  .join(' · ')}
              </span>
              {isWebAddress(data.post.url) && (
                <a
                  href={data.post.url}
                  target="_blank"
                  rel="noreferrer noopener"
                  className="underline underline-offset-2"
                >
                  Open the original post
                </a>
              )}
            </p>
          </article>
          {work !== null && <work.Panel uuid={uuid} />}
          <LabelEditor details={data} />
          <section aria-label="Scores">
            <h3 className="text-sm font-semibold">Model scores</h3>
            {renderScores(data)}
          </section>
        </div>
      )}
    </Sheet>
  );
}
