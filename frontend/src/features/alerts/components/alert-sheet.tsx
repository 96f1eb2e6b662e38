import { useRouter } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ExploreLink } from '@/components/ui/explore-link';
import { Empty, Failure } from '@/components/ui/notice';
import { QueryStatus } from '@/components/ui/query-status';
import { Sheet } from '@/components/ui/sheet';
import { useAlert } from '@/features/alerts/api/use-alert-list';
import { failureOf, useAcknowledge } from '@/features/alerts/api/use-acknowledge';
import type { AlertDetails } from '@/features/alerts/api/wire';
import { AcknowledgeButton } from '@/features/alerts/components/acknowledge-button';
import { AlertStateBadges } from '@/features/alerts/components/alert-card';
import { AlertFigures } from '@/features/alerts/components/alert-figures';
import { AlertPosts } from '@/features/alerts/components/alert-posts';
import { AssignAlerts } from '@/features/alerts/components/assign-alerts';
import { AlertTimeline } from '@/features/alerts/components/alert-timeline';
import { EvidenceExport } from '@/features/alerts/components/evidence-export';
import { EvidenceChart } from '@/features/alerts/components/evidence-chart';
import { MutePopover } from '@/features/alerts/components/mute-popover';
import { SeverityBadge } from '@/features/alerts/components/severity-badge';
import { describeCount } from '@/features/alerts/model/describe-alert';
import { exploreSearch } from '@/features/alerts/model/explore-search';
import { formatCount, formatDate } from '@/lib/format';

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
        gone={
          <Empty title="Alert not found">
            The link may be from a different server. Past alerts are under History.
          </Empty>
        }
      />
      {data !== undefined && <Body alert={data} />}
    </Sheet>
  );
}

function Actions({ alert }: { alert: AlertDetails }) {
  const acknowledge = useAcknowledge();
  return (
    <>
      {acknowledge.error !== null && (
        <Failure what={failureOf(acknowledge.variables)} error={acknowledge.error} />
      )}
      <ExploreLink search={exploreSearch(alert)} className="mr-auto text-sm">
        View posts in Explore
      </ExploreLink>
      <AssignAlerts alerts={[alert]} label={`Assign: ${alert.title}`} />
      {alert.state === 'open' && !alert.silenced && (
        <MutePopover alerts={[alert]} label={`Silence: ${alert.title}`} />
      )}
      {alert.state === 'open' && (
        <AcknowledgeButton
          look="solid"
          alert={alert}
          busy={acknowledge.isPending}
          onAcknowledge={acknowledge.mutate}
        />
      )}
    </>
  );
}

function Body({ alert }: { alert: AlertDetails }) {
  const { evidence, posts, metric } = alert;
  const count = describeCount(alert);
  const router = useRouter({ warn: false }) as ReturnType<typeof useRouter> | null;
  return (
    <div className="flex flex-col gap-5">
      <div>
        <p className="flex flex-wrap items-center gap-1.5">
          <SeverityBadge severity={alert.severity} />
          <AlertStateBadges alert={alert} />
        </p>
        <AlertFigures alert={alert} />
        <p className="caption mt-2 wrap-anywhere">
          {[
            count,
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
          title="Leading up to the alert"
          actions={
            <EvidenceExport
              title="Leading up to the alert"
              alert={alert}
              series={evidence.series}
            />
          }
          note={`shaded: ${alert.rule_id ? 'allowed by the rule' : 'expected range'}; red dots: outside it`}
        >
          <EvidenceChart
            series={evidence.series}
            metric={metric}
            band={alert.rule_id ? 'rule' : 'usual'}
            filters={exploreSearch(alert)}
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
                className="flex items-baseline gap-1.5 rounded-md border border-line bg-raised px-2 py-1 text-sm"
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
        <Part title="Posts behind this alert" note={describePosts(alert)}>
          <AlertPosts alert={alert} />
        </Part>
      )}
      <Part title="History">
        <AlertTimeline alert={alert} />
      </Part>
    </div>
  );
}

/** A churn alert keeps its newest posts, an alert of any other rule those of its opening. */
function describePosts({ rule, rule_id, posts, count }: AlertDetails): string {
  if (rule !== 'churn') return rule_id ? 'when it opened' : '';
  return posts.length < count ? `the newest ${posts.length}` : '';
}

function describeOrigin({ rule, rule_id, rule_name }: AlertDetails): string {
  if (rule_name) return `rule “${rule_name}”`;
  // Only signals have no rule. Old alerts have a rule without a name.
  return rule === 'spike' && !rule_id ? 'signal' : '';
}

interface PartProps {
  title: string;
  note?: string;
  actions?: ReactNode;
  children: ReactNode;
}

function Part({ title, note, actions, children }: PartProps) {
  return (
    <section aria-label={title}>
      <div className="mb-1.5 flex items-center justify-between gap-2">
        <h3 className="text-sm font-semibold">
          {title}
          {note !== undefined && note !== '' && (
            <span className="caption ml-2 font-normal">{note}</span>
          )}
        </h3>
        {actions}
      </div>
      {children}
    </section>
  );
}
