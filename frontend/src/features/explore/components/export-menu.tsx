import { useState, type MouseEvent, type ReactNode } from 'react';
import { Popover } from '@/components/ui/popover';
import { Failure } from '@/components/ui/notice';
import { paths } from '@/config/paths';
import { useDownload } from '@/features/explore/api/use-download';
import { toPosts, type ExploreQuery } from '@/features/explore/model/query';
import { toQueryString } from '@/lib/api-client';

/** Downloads of the posts in this view and of the corrected labels. */
export function ExportMenu({ query }: { query: ExploreQuery }) {
  const [open, setOpen] = useState(false);
  return (
    <Popover label="Export" text="Export" open={open} onOpenChange={setOpen}>
      {open && <Links query={query} />}
    </Popover>
  );
}

function Links({ query }: { query: ExploreQuery }) {
  const posts = (format: 'csv' | 'ndjson') =>
    `${paths.exportPosts}${toQueryString({ ...toPosts({ ...query, order: 'newest' }), format })}`;
  const download = useDownload();
  const labels = (format: 'csv' | 'ndjson') => `${paths.exportLabels}${toQueryString({ format })}`;
  return (
    <div className="flex flex-col gap-3 text-sm">
      <section aria-label="Posts in this view">
        <h2 className="font-semibold">Posts in this view</h2>
        <p className="caption mb-1">For the current period and filters. Times in UTC.</p>
        <Download href={posts('csv')} name="posts.csv" by={download}>
          Posts as CSV
        </Download>
        <Download href={posts('ndjson')} name="posts.ndjson" by={download}>
          Posts as NDJSON
        </Download>
      </section>
      <section aria-label="Corrected labels">
        <h2 className="font-semibold">Corrected labels</h2>
        <p className="caption mb-1">
          Every correction made by a person, for training the next model.
        </p>
        <Download href={labels('csv')} name="labels.csv" by={download}>
          Labels as CSV
        </Download>
        <Download href={labels('ndjson')} name="labels.ndjson" by={download}>
          Labels as NDJSON
        </Download>
      </section>
      {download.isPending && <p role="status">Preparing the download…</p>}
      {download.error !== null && (
        <Failure what="The file could not be downloaded" error={download.error} />
      )}
    </div>
  );
}

interface DownloadProps {
  href: string;
  name: string;
  by: ReturnType<typeof useDownload>;
  children: ReactNode;
}

function Download({ href, name, by, children }: DownloadProps) {
  const follow = (event: MouseEvent) => {
    if (!by.isNeeded()) return;
    event.preventDefault();
    by.mutate({ path: href, name });
  };
  return (
    <a
      href={href}
      download
      onClick={follow}
      className="-mx-1.5 block rounded-md px-1.5 py-1.5 hover:bg-highlight"
    >
      {children}
    </a>
  );
}
