import type { TiersStatus, TierStatus } from '@/api/wire';
import { Allowed } from '@/components/ui/allowed';
import { Badge } from '@/components/ui/badge';
import { Panel } from '@/components/ui/panel';
import { useReloadModels } from '@/features/pipeline/api/use-reload-models';
import { Fact } from '@/features/pipeline/components/facts';
import { ReloadModels } from '@/features/pipeline/components/reload-models';
import { describeModel, describeSwaps, describeTiers } from '@/features/pipeline/model/tiers';
import { capitalize, formatCount, formatPosts, formatRate, formatShare } from '@/lib/format';

const COLOURS: Record<string, string> = { swift: 'var(--neutral)', deep: 'var(--brand)' };

/** Each tier's share of posts, and the deep tier's backlog. */
export function TiersPanel({ tiers }: { tiers: TiersStatus }) {
  const { mutate, data, error, isPending } = useReloadModels();
  const isCorrecting = tiers.without_deep == null;
  return (
    <Panel
      title="Models"
      note="share of posts, last 60 seconds"
      actions={
        <>
          {tiers.overloaded && <Badge tone="warning">overloaded</Badge>}
          <Allowed to="reload_models">
            <ReloadModels busy={isPending} onReload={() => mutate()} />
          </Allowed>
        </>
      }
    >
      <p className="mt-1 text-sm break-words">{describeTiers(tiers)}</p>
      {!isCorrecting && (
        <p className="text-sm text-ink-soft">Changing this requires a server restart.</p>
      )}
      <div className="mt-3 grid gap-x-8 gap-y-3 md:grid-cols-[minmax(0,2fr)_minmax(0,1fr)]">
        <Shares items={tiers.items} />
        {isCorrecting && (
          <dl className="space-y-1">
            <Fact name="Latency budget" value={describeBudget(tiers.budget_ms)} />
            <Fact name="Awaiting correction" value={formatCount(tiers.awaiting)} />
            <Fact
              name="Deep model capacity"
              value={`${formatRate(tiers.deep_per_second)} posts/s`}
            />
          </dl>
        )}
      </div>
      <div role="status" className="text-sm empty:hidden">
        {data !== undefined &&
          describeSwaps(data).map((swap) => (
            <p key={swap} className="mt-2">
              {swap}
            </p>
          ))}
      </div>
      {error !== null && (
        <div
          role="alert"
          className="mt-2 rounded-md bg-warning-soft px-3 py-2 text-sm break-words text-warning"
        >
          <p className="font-semibold">
            The models could not be reloaded. The current ones stay in use.
          </p>
          <p>{capitalize(error.message)}.</p>
        </div>
      )}
    </Panel>
  );
}

function Shares({ items }: { items: readonly TierStatus[] }) {
  return (
    <div>
      <div className="flex h-3 gap-0.5 overflow-hidden rounded-full bg-sunken" aria-hidden="true">
        {items
          .filter(({ share }) => share > 0)
          .map(({ tier, share }) => (
            <span
              key={tier}
              style={{ flexGrow: share, flexBasis: 0, background: colourOf(tier) }}
            />
          ))}
      </div>
      <ul aria-label="Share by tier" className="mt-2 space-y-1.5">
        {items.map(({ tier, model, share, posts }) => (
          <li key={tier} className="flex flex-wrap items-baseline gap-x-2">
            <span className="size-2.5" style={{ background: colourOf(tier) }} aria-hidden="true" />
            <span className="font-semibold">
              {tier} {formatShare(share, 1)}
            </span>
            <span className="caption">{formatPosts(posts)}</span>
            <span
              className="caption ml-auto min-w-0 font-mono break-all max-sm:ml-4.5 max-sm:basis-full"
              title={model.hash}
            >
              {describeModel(model)}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function colourOf(tier: string): string {
  return COLOURS[tier] ?? 'var(--line-strong)';
}

function describeBudget(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`;
}
