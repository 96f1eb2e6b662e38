import { clsx } from 'clsx';
import { useState, type MouseEvent, type ReactNode } from 'react';
import { Button } from '@/components/ui/button';
import { Failure, Skeleton } from '@/components/ui/notice';
import { useQueryPreview } from '@/features/topics/api/use-topic-query';
import type { TopicPost, TopicPreview } from '@/features/topics/api/wire';
import { describeBasis, describeRate } from '@/features/topics/model/describe';
import { useNow } from '@/lib/use-now';

export type RenderPost = (listed: TopicPost, now: number) => ReactNode;

interface QueryPreviewProps {
  query: string;
  /** Whether the query can be matched; null while that is unknown. */
  isValid: boolean | null;
  renderPost: RenderPost;
}

/** How many recent posts a query matches, and the newest of them. */
export function QueryPreview({ query, isValid, renderPost }: QueryPreviewProps) {
  const { data, error, isFetching, isCurrent, refetch } = useQueryPreview(query, isValid === true);
  const isShown = isValid !== false && query.trim() !== '';
  return (
    <section aria-label="Preview" className="rounded-md bg-sunken p-3">
      <h3 className="text-sm font-semibold">Preview</h3>
      {!isShown && (
        <p className="caption mt-0.5">Complete the query to see which recent posts it matches.</p>
      )}
      {isShown && error !== null && (
        <Failure
          className="mt-2"
          what="The preview could not be loaded"
          error={error}
          onRetry={() => void refetch()}
        />
      )}
      {isShown && data === undefined && error === null && (
        <Skeleton rows={4} label="Loading the preview" />
      )}
      {isShown && data !== undefined && error === null && (
        <div className={clsx(!isCurrent && 'opacity-60')} aria-busy={isFetching}>
          <div role="status">
            <p className="mt-0.5 text-lg font-semibold">{describeRate(data)}</p>
            <p className="caption">{describeBasis(data)}</p>
          </div>
          <PreviewPosts preview={data} renderPost={renderPost} />
        </div>
      )}
    </section>
  );
}

/** Enough to judge a query, so that the end of the form is not far below. */
const FIRST_SHOWN = 5;

interface PreviewPostsProps {
  preview: TopicPreview;
  renderPost: RenderPost;
}

function PreviewPosts({ preview: { items }, renderPost }: PreviewPostsProps) {
  const [all, setAll] = useState(false);
  const now = useNow(30_000);
  if (items.length === 0) return null;
  const shown = all ? items : items.slice(0, FIRST_SHOWN);
  return (
    <>
      <ol
        aria-label="Newest matching posts"
        className="-mx-3 mt-2 border-t border-line"
        onClickCapture={openInTab}
      >
        {shown.map((listed) => renderPost(listed, now))}
      </ol>
      {shown.length < items.length && (
        <Button className="mt-2" onClick={() => setAll(true)}>
          Show {items.length} posts
        </Button>
      )}
    </>
  );
}

/** Follows a link in another tab, so that the unsaved draft is not lost. */
function openInTab(event: MouseEvent) {
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (link === null) return;
  event.preventDefault();
  event.stopPropagation();
  window.open(link.href, '_blank', 'noopener');
}
