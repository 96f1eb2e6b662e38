import { useState } from 'react';
import { AlertsView } from '@/features/alerts/components/alerts-view';
import { parsePlace, type AlertsPlace } from '@/features/alerts/model/place';
import { answerFetch, renderWithQueries } from '@/testing/render';
import { NOON, sampleAlert } from '@/testing/samples';

/** Returns the time this many milliseconds after noon. */
export const at = (ms: number) => new Date(NOON + ms).toISOString();

function Page({ search }: { search: Record<string, string> }) {
  const [place, setPlace] = useState<AlertsPlace>(() => parsePlace(search));
  return <AlertsView place={place} onChange={setPlace} pushed={[]} />;
}

/** Renders the Alerts page and returns the requests that it sends. */
export function openPage(search = {}, extra: Parameters<typeof answerFetch>[0] = {}) {
  const requests = answerFetch({
    '/api/v1/alerts': () => ({ items: [sampleAlert()], next_cursor: null }),
    ...extra,
  });
  renderWithQueries(<Page search={search} />);
  return requests;
}
