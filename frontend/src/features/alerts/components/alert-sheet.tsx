import { useRouter } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { ExploreLink } from '@/components/ui/explore-link';
import { Empty, Failure } from '@/components/ui/notice';
import { QueryStatus } from '@/components/ui/query-status';
import { Sheet } from '@/components/ui/sheet';
import { SourceBadge } from '@/components/ui/source-badge';
import { useAlert } from '@/features/alerts/api/use-alert-list';
import { useAcknowledgeAlert } from '@/features/alerts/api/use-alerts';
import type { AlertDetails } from '@/features/alerts/api/wire';
import { AlertStateBadges } from '@/features/alerts/components/alert-card';
import { EvidenceChart } from '@/features/alerts/components/evidence-chart';
import { SeverityBadge } from '@/features/alerts/components/severity-badge';
import {
  describeCount,
  describeMoment,
  describeValue,
} from '@/features/alerts/model/describe-alert';
import { exploreSearch } from '@/features/alerts/model/explore-search';
import { formatMetric } from '@/features/alerts/rules/metrics';
import { formatCount, formatDate, formatScore } from '@/lib/format';

/** The details of an alert: its evidence, related terms, sample posts and history. */
export function AlertSheet({ id, onClose }: { id: string; onClose: () => void }) {
  const query = useAlert(id);
  const { data } = query;
  return (
    <Sheet
      title={data?.title ?? 'Alert'}
      onClose={onClose}
      footer={data && <Actions alert={data} />}
    >
      <QueryStatus
        query={query}
        what="alert"
        rows={8}
        gone={<Empty title="Alert not found">The link may point to a different server.</Empty>}
      />
      {data !== undefined && <Body alert={data} />}
    </Sheet>
  );
}

function Actions({ alert }: { alert: AlertDetails }) {
  const acknowledge = useAcknowledgeAlert();
  return (
    <>
      {acknowledge.error !== null && (
        <Failure what="The alert could not be acknowledged" error={acknowledge.error} />
      )}
      <ExploreLink search={exploreSearch(alert)} className="mr-auto text-[13px]">
        View posts in Explore
      </ExploreLink>
      {alert.state === 'open' && !alert.acknowledged_at && (
        <Button
          look="solid"
          disabled={acknowledge.isPending}
          onClick={() => acknowledge.mutate(alert.id)}
        >
          Acknowledge
        </Button>
      )}
    </>
  );
}

function Body({ alert }: { alert: AlertDetails }) {
  const { evidence, posts, history, metric } = alert;
  const count = describeCount(alert);
  const router = useRouter({ warn: false }) as ReturnType<typeof useRouter> | null;
  return (
    <div className="flex flex-col gap-5">
      <div>
        <p className="flex flex-wrap items-center gap-1.5">
          <SeverityBadge severity={alert.severity} />
          <AlertStateBadges alert={alert} />
        </p>
        <p className="mt-2 text-[14px]">
          <span className="font-semibold">{describeValue(alert)}</span>
          {count !== null && <span className="text-ink-soft"> · {count}</span>}
        </p>
        <p className="caption mt-0.5">
          {[
            describeOrigin(alert),
            `opened ${formatDate(alert.opened_at)}`,
            alert.resolved_at && `resolved ${formatDate(alert.resolved_at)}`,
          ]
            .filter(Boolean)
            .join(' · ')}
        </p>
      </div>
      {evidence != null && evidence.series.length > 0 && (
        <Part
          title="Measured values"
          note={`shaded: ${alert.rule_id ? 'allowed by the rule' : 'expected range'}; red dots: outside it`}
        >
          <EvidenceChart
            series={evidence.series}
            metric={metric}
            band={alert.rule_id ? 'rule' : 'usual'}
            onPick={(from, to) =>
              void router?.navigate({ to: '/explore', search: exploreSearch(alert, { from, to }) })
            }
          />
        </Part>
      )}
      {evidence != null && evidence.terms.length > 0 && (
        <Part title="Related terms" note="mentioned more often than expected">
          <ul aria-label="Terms" className="flex flex-wrap gap-1.5">
            {evidence.terms.map(({ term, count, expected }) => (
              <li
                key={term}
                className="flex items-baseline gap-1.5 rounded-md border border-line bg-raised px-2 py-1 text-[13px]"
              >
                <ExploreLink search={exploreSearch(alert, { q: term })} className="font-medium">
                  {term}
                </ExploreLink>
                <span className="caption">
                  {formatCount(count)}, expected {formatCount(Math.round(expected))}
                </span>
              </li>
            ))}
          </ul>
        </Part>
      )}
      {posts.length > 0 && (
        <Part title="Sample posts">
          <ul aria-label="Sample posts" className="space-y-2.5">
            {posts.map((post) => (
              <li key={post.uuid} className="border-l-2 border-line-strong pl-3">
                <p className="text-[13.5px] leading-snug break-words" dir="auto">
                  {post.text}
                </p>
                <p className="caption mt-1 flex flex-wrap items-center gap-1.5">
                  {post.platform} <SourceBadge source={post.source} />
                  {alert.rule === 'churn' && `churn ${formatScore(post.churn_risk)}`}
                  <ExploreLink search={exploreSearch(alert, { post: post.uuid })}>
                    View post
                  </ExploreLink>
                </p>
              </li>
            ))}
          </ul>
        </Part>
      )}
      {history.length > 0 && (
        <Part title="History">
          <ol aria-label="History" className="space-y-1.5 border-l border-line-strong pl-4">
            {history.map((moment, i) => (
              <li key={i} className="relative text-[13px]">
                <span className="absolute top-1.5 -left-[19px] size-1.5 rounded-full bg-ink-faint" />
                {describeMoment(moment)}
                {typeof moment.value === 'number' && moment.phase !== undefined && (
                  <span className="ml-1.5">
                    <Badge>
                      {alert.rule === 'churn'
                        ? formatScore(moment.value)
                        : formatMetric(metric, moment.value)}
                    </Badge>
                  </span>
                )}
                <time className="caption block" dateTime={moment.at}>
                  {formatDate(moment.at)}
                </time>
              </li>
            ))}
          </ol>
        </Part>
      )}
    </div>
  );
}

function describeOrigin({ rule, rule_id, rule_name }: AlertDetails): string {
  if (rule_name) return `rule “${rule_name}”`;
  // Only signals have no rule. Old alerts have a rule without a name.
  return rule === 'spike' && !rule_id ? 'signal' : '';
}

function Part({ title, note, children }: { title: string; note?: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h3 className="mb-1.5 text-[13.5px] font-semibold">
        {title}
        {note !== undefined && <span className="caption ml-2 font-normal">{note}</span>}
      </h3>
      {children}
    </section>
  );
}
