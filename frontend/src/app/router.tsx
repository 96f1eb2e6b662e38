import { createRootRoute, createRoute, createRouter, Link } from '@tanstack/react-router';
import { LivePage } from '@/app/routes/live';
import { SystemPage } from '@/app/routes/system';
import { Shell } from '@/app/shell';
import { parseView, viewToSearch } from '@/lib/view';

const rootRoute = createRootRoute({ component: Shell, notFoundComponent: NotFound });

const liveRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  validateSearch: (search: Record<string, unknown>) => viewToSearch(parseView(search)),
  component: LivePage,
});

const systemRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/system',
  component: SystemPage,
});

/** Every page of the dashboard. */
export const router = createRouter({
  routeTree: rootRoute.addChildren([liveRoute, systemRoute]),
  defaultPreload: false,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

function NotFound() {
  return (
    <p className="py-10 text-center text-ink-soft">
      There is no such page.{' '}
      <Link to="/" className="underline">
        Go to the live view
      </Link>
      .
    </p>
  );
}
