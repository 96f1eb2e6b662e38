import { PageLink } from '@/components/ui/page-link';
import type { Lead } from '@/features/metrics/model/lead';

/** On a phone, each part has a line of its own, so that a longer word moves nothing below and each link can be hit. */
const LINE = 'max-sm:block max-sm:truncate';

/** The page in one sentence: the sentiment, and what needs a look. */
export function LeadSentence({ lead }: { lead: Lead }) {
  const { sentiment, alerts, more, n_silenced, isQuiet } = lead;
  return (
    <p
      aria-label="Summary"
      role="group"
      className="px-1 text-base leading-snug break-words max-sm:leading-6"
    >
      <span className={LINE}>
        <span className="font-semibold">{sentiment}</span>
        {isQuiet && '; no open alerts'}
      </span>
      {alerts.map(({ id, text }) => (
        <span key={id} className={LINE}>
          <span className="max-sm:hidden">; </span>
          <PageLink to="/alerts" search={{ alert: id }}>
            {text}
          </PageLink>
        </span>
      ))}
      <Others count={more} which="more open" />
      <Others count={n_silenced} which="silenced" />
      <span className="max-sm:hidden">.</span>
    </p>
  );
}

/** Alerts that are only counted. */
function Others({ count, which }: { count: number; which: string }) {
  if (count === 0) return null;
  return (
    <span className={LINE}>
      <span className="max-sm:hidden">; </span>
      <PageLink to="/alerts" search={{}}>
        {count} {which} {count === 1 ? 'alert' : 'alerts'}
      </PageLink>
    </span>
  );
}
