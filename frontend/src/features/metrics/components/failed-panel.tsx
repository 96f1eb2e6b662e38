import { ExploreLink } from '@/components/ui/explore-link';
import { Panel } from '@/components/ui/panel';
import { describeFailure } from '@/features/metrics/model/failure';

interface FailedPanelProps {
  title: string;
  error: Error | null;
  /** The same posts on Explore, which has no limit of 24 hours. */
  search: Record<string, string>;
}

/** A panel whose figures could not be loaded, while the others have theirs. */
export function FailedPanel({ title, error, search }: FailedPanelProps) {
  return (
    <Panel title={title}>
      <div className="grid min-h-32 flex-1 place-items-center text-center text-sm">
        <p role="status" className="max-w-prose text-ink-soft">
          {error === null ? 'No figures.' : describeFailure(error)}{' '}
          <ExploreLink search={search} className="text-ink">
            Open in Explore
          </ExploreLink>
        </p>
      </div>
    </Panel>
  );
}
