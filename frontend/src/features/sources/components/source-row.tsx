import { ActorName } from '@/components/ui/actor-name';
import { Badge } from '@/components/ui/badge';
import { PageLink } from '@/components/ui/page-link';
import { SourceBadge } from '@/components/ui/source-badge';
import { paths } from '@/config/paths';
import type { RevealedSource, Source } from '@/features/sources/api/wire';
import { GapList } from '@/features/sources/components/gap-list';
import { SourceActions } from '@/features/sources/components/source-actions';
import { SourceAllowances } from '@/features/sources/components/source-allowances';
import { SourceFigures } from '@/features/sources/components/source-figures';
import { SourceQueries } from '@/features/sources/components/source-queries';
import type { SourceAction } from '@/features/sources/model/action';
import { allowancesOf } from '@/features/sources/model/allowance';
import {
  describeReason,
  formatGaps,
  stateTone,
  stateWord,
} from '@/features/sources/model/describe';
import { formatAgo } from '@/lib/format';
import { formatDate } from '@/lib/time';

interface SourceRowProps {
  source: Source;
  /** Posts that it was offered per minute; null while that is unknown. */
  perMinute: number | null;
  now: number;
  /** Whether an action on it is under way. */
  isBusy: boolean;
  onAct: (action: SourceAction) => void;
  onEdit: () => void;
  /** A secret was made. */
  onRevealed: (source: RevealedSource) => void;
}

/** One source: what it does and why, its numbers and gaps, who changed it last, and its actions. */
export function SourceRow(props: SourceRowProps) {
  const { source, perMinute, now, ...actions } = props;
  const { id, network, name, settings, state, gaps, updated_at, updated_by } = source;
  const isWebhook = network === 'webhook';
  const address = isWebhook ? paths.sourceEvents(id) : (settings.base_url ?? settings.url);
  const search = { source: network };
  const allowances = allowancesOf(source);
  return (
    <li className="border-t border-line px-4 py-3">
      <div className="flex flex-wrap items-start gap-x-3 gap-y-2">
        <div className="min-w-0 flex-1 basis-72 wrap-anywhere">
          <h3 className="flex flex-wrap items-center gap-2 text-sm font-medium">
            {name}
            <SourceBadge source={network} />
          </h3>
          <div className="mt-1 flex items-start gap-2 text-sm text-ink-soft">
            <span className="shrink-0">
              <Badge tone={stateTone(state)}>{stateWord(state)}</Badge>
            </span>
            <p className="min-w-0">{describeReason(source)}</p>
          </div>
          {address && <p className="caption mt-1 break-all">{address}</p>}
        </div>
        <SourceActions source={source} {...actions} />
      </div>
      <SourceFigures source={source} perMinute={perMinute} now={now} />
      {allowances.length > 0 && <SourceAllowances uses={allowances} />}
      <div className="caption mt-2 flex flex-wrap items-baseline gap-x-3 gap-y-1">
        <PageLink to="/explore" search={search} title="Show the posts of this network in Explore">
          Explore its posts
        </PageLink>
        <PageLink to="/" search={search} title="Show the posts of this network on Live">
          Watch live
        </PageLink>
        <span className="wrap-anywhere" title={formatDate(updated_at)}>
          changed {formatAgo(updated_at, now)}
          {updated_by && (
            <>
              {' by '}
              <ActorName name={updated_by} />
            </>
          )}
        </span>
        {gaps.length === 0 && !isWebhook && <span>{formatGaps(0)}</span>}
      </div>
      {settings.follow_topics && <SourceQueries source={source} />}
      {gaps.length > 0 && <GapList name={name} gaps={gaps} />}
    </li>
  );
}
