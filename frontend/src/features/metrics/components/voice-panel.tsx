import { useMemo } from 'react';
import type { KeyedTally } from '@/api/wire';
import { ChangeMark } from '@/components/ui/change-mark';
import { ExploreLink } from '@/components/ui/explore-link';
import { Panel } from '@/components/ui/panel';
import { sharesOfVoice, type Voice } from '@/features/metrics/model/voice';
import type { Drill } from '@/lib/drill';
import { formatCount, formatShare, formatSigned } from '@/lib/format';

/** As many as fit in the panel. */
const ROWS_SHOWN = 6;

interface VoicePanelProps {
  products: readonly KeyedTally[];
  /** The previous period; null while unknown. */
  before: readonly KeyedTally[] | null;
  /** The product that the page is filtered by, which does not apply here. */
  filtered?: string | undefined;
  drill: Drill;
}

/** Each product's share of mentions, compared with the previous period. */
export function VoicePanel({ products, before, filtered, drill }: VoicePanelProps) {
  const rows = useMemo(() => sharesOfVoice(products, before, ROWS_SHOWN), [products, before]);
  const most = Math.max(...rows.map(({ share, before }) => Math.max(share, before ?? 0)), 0);
  return (
    <Panel
      title="Share of voice"
      note={`${filtered === undefined ? '' : 'all products; '}line: previous period`}
      exported={() => ({
        heads: ['Product', 'Posts', 'Share (%)', 'Previous share (%)', 'Average'],
        rows: rows.map(({ key, count, share, before: was, average }) => [
          key ?? 'Others',
          count,
          share * 100,
          was === null ? null : was * 100,
          average ?? null,
        ]),
      })}
      className="min-h-0 flex-1"
    >
      {rows.length === 0 && (
        <p className="py-3 text-sm text-ink-soft">No products mentioned in this window.</p>
      )}
      <ul
        className="flex min-h-0 flex-1 flex-col justify-around"
        aria-label="Products by share of mentions"
      >
        {rows.map((row) => (
          <VoiceRow key={row.key ?? ''} row={row} most={most} drill={drill} />
        ))}
      </ul>
    </Panel>
  );
}

interface VoiceRowProps {
  row: Voice;
  /** The largest share shown, which fills the row. */
  most: number;
  drill: Drill;
}

function VoiceRow({ row, most, drill }: VoiceRowProps) {
  const content = (
    <>
      <span className="flex items-baseline gap-2 text-sm">
        <span className="min-w-0 flex-1 truncate font-medium">{row.key ?? 'Others'}</span>
        <ChangeMark change={row.change} />
        <span className="w-9 text-right font-semibold">{formatShare(row.share, 1)}</span>
      </span>
      <span className="relative mt-0.5 block h-1.5 rounded-full bg-sunken" aria-hidden="true">
        <span
          className="absolute inset-y-0 left-0 rounded-full bg-brand"
          style={{ width: `${(row.share / most) * 100}%`, opacity: row.key === null ? 0.4 : 1 }}
        />
        {row.before !== null && (
          <span
            className="absolute -inset-y-0.5 w-0.5 rounded-full bg-ink"
            style={{ left: `calc(${(row.before / most) * 100}% - 1px)` }}
          />
        )}
      </span>
    </>
  );
  return (
    <li>
      {row.key === null ? (
        <span className="block py-1">{content}</span>
      ) : (
        <ExploreLink
          search={drill.searchOf({ product: row.key })}
          title={`${formatCount(row.count)} posts, average ${formatSigned(row.average)}`}
          className="-mx-2 block rounded-md px-2 py-1 no-underline! hover:bg-sunken"
        >
          {content}
        </ExploreLink>
      )}
    </li>
  );
}
