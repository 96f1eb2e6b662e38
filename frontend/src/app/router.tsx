import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Link,
} from '@tanstack/react-router';
import { Root } from '@/app/root';
import { fromQueryString, toQueryString, type Query } from '@/lib/api-client';
import { parseView, viewToSearch } from '@/lib/view';

const rootRoute = createRootRoute({ component: Root, notFoundComponent: NotFound });

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

const queueRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/queue',
  component: lazyRouteComponent(() => import('@/app/routes/queue'), 'QueuePage'),
});

const alertsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/alerts',
  component: lazyRouteComponent(() => import('@/app/routes/alerts'), 'AlertsPage'),
});

const authorRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/author',
  component: lazyRouteComponent(() => import('@/app/routes/author'), 'AuthorPage'),
});

const reportsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/reports',
  component: lazyRouteComponent(() => import('@/app/routes/reports'), 'ReportsPage'),
});

const topicsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/topics',
  component: lazyRouteComponent(() => import('@/app/routes/topics'), 'TopicsPage'),
});

const sourcesRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sources',
  component: lazyRouteComponent(() => import('@/app/routes/sources'), 'SourcesPage'),
});

const systemRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/system',
  component: lazyRouteComponent(() => import('@/app/routes/system'), 'SystemPage'),
});

const accountRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/account',
  component: lazyRouteComponent(() => import('@/app/routes/account'), 'AccountPage'),
});

const adminRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/admin',
  component: lazyRouteComponent(() => import('@/app/routes/admin'), 'AdminPage'),
});

// The pages of those who are not signed in.
const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sign-in',
  component: lazyRouteComponent(() => import('@/app/routes/sign-in'), 'SignInPage'),
});

const forgotPasswordRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/forgot-password',
  component: lazyRouteComponent(() => import('@/app/routes/forgot-password'), 'ForgotPasswordPage'),
});

const passwordResetRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/password-reset',
  component: lazyRouteComponent(() => import('@/app/routes/password-reset'), 'PasswordResetPage'),
});

const invitationRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/invitation',
  component: lazyRouteComponent(() => import('@/app/routes/invitation'), 'InvitationPage'),
});

const setUpRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/set-up',
  component: lazyRouteComponent(() => import('@/app/routes/set-up'), 'SetUpPage'),
});

/** Not in the navigation: for those who work on the dashboard. */
const designRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/design',
  component: lazyRouteComponent(() => import('@/app/routes/design'), 'DesignPage'),
});

/** The pages of the dashboard, each in its own lazily loaded chunk. */
export const router = createRouter({
  routeTree: rootRoute.addChildren([
    liveRoute,
    exploreRoute,
    authorRoute,
    queueRoute,
    alertsRoute,
    topicsRoute,
    sourcesRoute,
    reportsRoute,
    systemRoute,
    accountRoute,
    adminRoute,
    signInRoute,
    forgotPasswordRoute,
    passwordResetRoute,
    invitationRoute,
    setUpRoute,
    designRoute,
  ]),
  defaultPreload: 'intent',
  // Search parameters stay strings: `?city=2026` is a city, not a number.
  parseSearch: fromQueryString,
  stringifySearch: (search) => toQueryString(search as Query),
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
