import { useState } from 'react';
import { Popover } from '@/components/ui/popover';
import { paths } from '@/config/paths';
import { toPosts, type ExploreQuery } from '@/features/explore/model/query';
import { toQueryString } from '@/lib/api-client';

/** The posts of this view as a file, and every correction that people made. */
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
  const labels = (format: 'csv' | 'ndjson') => `${paths.exportLabels}${toQueryString({ format })}`;
  return (
    <div className="flex flex-col gap-3 text-[13px]">
      <section aria-label="Posts of this view">
        <h2 className="font-semibold">Posts of this view</h2>
        <p className="caption mb-1">This period and these filters; times in UTC.</p>
        <Download href={posts('csv')}>Posts as CSV</Download>
        <Download href={posts('ndjson')}>Posts as NDJSON</Download>
      </section>
      <section aria-label="Corrected labels">
        <h2 className="font-semibold">Corrected labels</h2>
        <p className="caption mb-1">All that people corrected, to train the next model with.</p>
        <Download href={labels('csv')}>Labels as CSV</Download>
        <Download href={labels('ndjson')}>Labels as NDJSON</Download>
      </section>
    </div>
  );
}

function Download({ href, children }: { href: string; children: string }) {
  return (
    <a href={href} download className="-mx-1.5 block rounded-md px-1.5 py-1.5 hover:bg-highlight">
      {children}
    </a>
  );
}
