import { clsx } from 'clsx';
import { Notice, Skeleton } from '@/components/ui/notice';
import { useMappingPreview } from '@/features/sources/api/use-mapping-preview';
import type { MappingPreview as Preview, NewPost } from '@/features/sources/api/wire';
import { readSettings, type SourceDraft } from '@/features/sources/model/draft';
import { describePreview, factsOf } from '@/features/sources/model/preview';
import { capitalize } from '@/lib/format';

/** Enough to judge a mapping. */
const SHOWN_MAX = 3;

interface MappingPreviewProps {
  draft: SourceDraft;
  /** A delivery as JSON; null for none. */
  sample: string | null;
}

/** The posts that a sample becomes, and why some items become none. */
export function MappingPreview({ draft, sample }: MappingPreviewProps) {
  const { data, error, isFetching, isCurrent } = useMappingPreview(readSettings(draft), sample);
  return (
    <section aria-label="Preview" className="rounded-md bg-sunken p-3">
      <h3 className="text-sm font-semibold">Preview</h3>
      {sample === null && (
        <p className="caption mt-0.5">Paste a sample to see the resulting posts.</p>
      )}
      {sample !== null && error !== null && (
        <Notice tone="warning" className="mt-2">
          {capitalize(error.message)}.
        </Notice>
      )}
      {sample !== null && error === null && data === undefined && (
        <Skeleton rows={2} label="Loading the preview" />
      )}
      {sample !== null && error === null && data !== undefined && (
        <div className={clsx(!isCurrent && 'opacity-60')} aria-busy={isFetching}>
          <p role="status" className="mt-0.5 text-sm font-medium">
            {describePreview(data)}
          </p>
          <Outcome preview={data} />
        </div>
      )}
    </section>
  );
}

function Outcome({ preview: { posts, rejected } }: { preview: Preview }) {
  return (
    <>
      <ol aria-label="Posts" className="mt-2 flex flex-col gap-2 empty:hidden">
        {posts.slice(0, SHOWN_MAX).map((post, i) => (
          <li key={i} className="rounded-md border border-line bg-raised px-3 py-2">
            <PreviewedPost post={post} />
          </li>
        ))}
      </ol>
      <ul aria-label="Rejected items" className="mt-2 flex flex-col gap-1 text-sm empty:hidden">
        {rejected.slice(0, SHOWN_MAX).map(({ index, message }) => (
          <li key={index} className="wrap-anywhere text-critical">
            Item {index + 1}: {message}.
          </li>
        ))}
      </ul>
    </>
  );
}

function PreviewedPost({ post }: { post: NewPost }) {
  return (
    <>
      <p className="line-clamp-3 text-sm wrap-anywhere">{post.text}</p>
      <dl className="caption mt-1 flex flex-wrap gap-x-3 gap-y-0.5">
        {factsOf(post).map(([name, value]) => (
          <div key={name} className="flex min-w-0 gap-1">
            <dt>{name}</dt>
            <dd className="min-w-0 font-medium wrap-anywhere text-ink-soft">{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
