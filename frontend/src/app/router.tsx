import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Link,
} from '@tanstack/react-router';
import { Shell } from '@/app/shell';
import { toQueryString } from '@/lib/api-client';
import { parseView, viewToSearch } from '@/lib/view';

const rootRoute = createRootRoute({ component: Shell, notFoundComponent: NotFound });

const liveRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  validateSearch: (search: Record<string, unknown>) => viewToSearch(parseView(search)),
  component: lazyRouteComponent(() => import('@/app/routes/live'), 'LivePage'),
});

// The pages below parse their own search parameters and ignore invalid ones.
const exploreRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/explore',
  component: lazyRouteComponent(() => import('@/app/routes/explore'), 'ExplorePage'),
});

const alertsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/alerts',
  component: lazyRouteComponent(() => import('@/app/routes/alerts'), 'AlertsPage'),
});

const systemRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/system',
  component: lazyRouteComponent(() => import('@/app/routes/system'), 'SystemPage'),
});

/** The pages of the dashboard, each in its own lazily loaded chunk. */
export const router = createRouter({
  routeTree: rootRoute.addChildren([liveRoute, exploreRoute, alertsRoute, systemRoute]),
  defaultPreload: 'intent',
  // Search parameters stay strings: `?city=2026` is a city, not a number.
  parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
  stringifySearch: (search) => toQueryString(search as Record<string, string>),
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

function NotFound() {
  return (
    <p className="py-10 text-center text-ink-soft">
      Page not found.{' '}
      <Link to="/" className="underline">
        Go to the live view
      </Link>
      .
    </p>
  );
}
