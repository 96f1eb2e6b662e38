import type { InfiniteData, QueryClient } from '@tanstack/react-query';
import type { Alert, AlertPage } from '@/api/wire';
import { ALERTS_KEY } from '@/features/alerts/api/use-open-alerts';
import type { AlertDetails } from '@/features/alerts/api/wire';

/** What the queries about alerts keep: a page, several pages, or one alert. */
type CachedAlerts = AlertPage | InfiniteData<AlertPage> | AlertDetails;

/** Replaces an alert wherever it is kept. */
export function putAlert(client: QueryClient, alert: Alert): void {
  client.setQueriesData<CachedAlerts>({ queryKey: ALERTS_KEY }, (data) =>
    data === undefined ? data : withAlert(data, alert),
  );
}

function withAlert(data: CachedAlerts, alert: Alert): CachedAlerts {
  const inPage = (page: AlertPage): AlertPage => ({
    ...page,
    items: page.items.map((known) => (known.id === alert.id ? alert : known)),
  });
  if ('pages' in data) return { ...data, pages: data.pages.map(inPage) };
  if ('items' in data) return inPage(data);
  return data.id === alert.id ? { ...data, ...alert } : data;
}
