import { Badge, type Tone } from '@/components/ui/badge';
import { Command } from '@/components/ui/command';
import { GetStarted } from '@/components/ui/get-started';
import { CheckIcon } from '@/components/ui/icons';
import { Empty, Failure, Notice, Skeleton } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { SourceBadge } from '@/components/ui/source-badge';
import { Specimen } from '@/features/design/components/specimen';

const TONES: readonly Tone[] = [
  'plain',
  'brand',
  'outline',
  'dashed',
  'warning',
  'critical',
  'good',
];

/** A request that failed, as `QueryStatus` reads it. */
const FAILED = {
  error: new Error('the server is unreachable'),
  isPending: false,
  refetch: () => undefined,
};

/** What the dashboard says about itself, and about what is missing. */
export function Messages() {
  return (
    <>
      <Panel title="Messages">
        <Specimen name="Badge" use="A state or a property, in a word or two.">
          {TONES.map((tone) => (
            <Badge key={tone} tone={tone}>
              {tone}
            </Badge>
          ))}
          <Badge tone="good" icon={<CheckIcon className="mr-1 size-3" />}>
            with an icon
          </Badge>
          <SourceBadge source="http" />
          <SourceBadge source="synthetic" />
        </Specimen>
        <Specimen name="Notice" use="What happened; screen readers announce it.">
          <Notice tone="good">3 posts replayed.</Notice>
          <Notice tone="warning">The stream is behind by 12,000 posts.</Notice>
          <Notice tone="critical">PostgreSQL is unreachable.</Notice>
        </Specimen>
        <Specimen name="Failure" use="What failed, why, and a way to try again.">
          <Failure
            what="The rule could not be saved"
            error={new Error('a rule has this name')}
            onRetry={() => undefined}
          />
          <QueryStatus query={FAILED} what="posts" rows={3} />
        </Specimen>
        <Specimen name="Empty" use="What is missing, and what to do about it.">
          <Empty title="No matching alerts">Remove a filter to see more.</Empty>
        </Specimen>
        <Specimen name="Skeleton" use="Rows that are loading.">
          <div className="w-full max-w-md">
            <Skeleton rows={3} label="Loading rows" />
          </div>
        </Specimen>
        <Specimen name="Command" use="Code to copy.">
          <div className="min-w-0 flex-1">
            <Command text="groundswell doctor" />
          </div>
        </Specimen>
      </Panel>
      <GetStarted />
    </>
  );
}
