import { Empty, Notice, Skeleton } from '@/components/ui/notice';
import { QueryStatus } from '@/components/ui/query-status';
import {
  useSharedFigures,
  useSharedView,
  type SharedView as View,
} from '@/features/share/api/use-shared';
import { SharedBreakdowns } from '@/features/share/components/shared-breakdowns';
import { SharedHistory } from '@/features/share/components/shared-history';
import { SharedHeadline } from '@/features/share/components/shared-headline';
import { SharedPosts } from '@/features/share/components/shared-posts';
import { describeView } from '@/features/share/model/describe';
import { ApiError } from '@/lib/api-client';
import { formatDate, formatRange } from '@/lib/time';
import { localZone } from '@/lib/zone';

/** What the holder of a share link sees: figures and posts, and nothing to press that would be refused. */
export function SharedView() {
  const view = useSharedView();
  const { data, error } = view;
  if (hasEnded(error)) {
    return (
      <Empty title="This link is no longer valid">
        It has expired or been revoked. Ask the person who sent it for a new one.
      </Empty>
    );
  }
  if (data === undefined) return <QueryStatus query={view} what="shared view" rows={6} />;
  return <Shared view={data} />;
}

function hasEnded(error: Error | null): boolean {
  return error instanceof ApiError && error.code === 'share_ended';
}

function Shared({ view }: { view: View }) {
  const figures = useSharedFigures(view.page);
  const { data } = figures;
  const zone = data?.zone ?? localZone();
  return (
    <div className="flex flex-col gap-3">
      <Notice tone="good">Shared view, expires {formatDate(view.expires_at)}. Read-only.</Notice>
      <header>
        <h1 className="text-xl font-semibold wrap-anywhere">{view.name}</h1>
        <p className="caption wrap-anywhere">
          {[
            data !== undefined && `${formatRange(data.range.from, data.range.to, zone)} (${zone})`,
            describeView(view.query),
          ]
            .filter(Boolean)
            .join(' · ')}
        </p>
      </header>
      <QueryStatus query={{ ...figures, isPending: false }} what="figures" rows={6} />
      {data === undefined && figures.isPending && <Skeleton rows={6} label="Loading figures" />}
      {data !== undefined && (
        <>
          <SharedHeadline steps={data.steps} />
          <SharedHistory figures={data} zone={zone} />
          <SharedBreakdowns breakdowns={data.breakdowns} />
        </>
      )}
      <SharedPosts page={view.page} />
    </div>
  );
}
