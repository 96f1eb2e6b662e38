import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import {
  AntennaIcon,
  BellIcon,
  InboxIcon,
  MailIcon,
  PulseIcon,
  SearchIcon,
  StackIcon,
  TagIcon,
} from '@/components/ui/icons';
import { paths } from '@/config/paths';
import { useOpenAlerts } from '@/features/alerts/api/use-open-alerts';
import { useLive } from '@/live/store';

const PAGES = [
  { to: '/', name: 'Live', icon: <PulseIcon className="size-5" /> },
  { to: '/explore', name: 'Explore', icon: <SearchIcon className="size-5" /> },
  { to: '/queue', name: 'Queue', icon: <InboxIcon className="size-5" /> },
  { to: '/alerts', name: 'Alerts', icon: <BellIcon className="size-5" /> },
  { to: '/topics', name: 'Topics', icon: <TagIcon className="size-5" /> },
  { to: '/sources', name: 'Sources', icon: <AntennaIcon className="size-5" /> },
  { to: '/reports', name: 'Reports', icon: <MailIcon className="size-5" /> },
  { to: '/system', name: 'System', icon: <StackIcon className="size-5" /> },
] as const;

/** Links in the header, on screens wide enough for them. */
export function PageLinks() {
  return (
    <nav aria-label="Pages" className="ml-4 hidden items-center lg:flex">
      {PAGES.map(({ to, name }) => (
        <Link
          key={to}
          to={to}
          activeOptions={{ exact: true, includeSearch: false }}
          className="inline-flex h-8 items-center gap-1.5 rounded-md px-2.5 text-sm text-ink-soft hover:text-ink"
          activeProps={{ className: 'font-semibold text-ink!' }}
        >
          {name}
          {to === '/alerts' && <OpenAlerts className="static" />}
        </Link>
      ))}
      <a
        href={paths.docs}
        className="inline-flex h-8 items-center rounded-md px-2.5 text-sm text-ink-soft hover:text-ink"
      >
        API
      </a>
    </nav>
  );
}

/** The tab bar at the bottom of a phone or tablet. */
export function PageBar() {
  return (
    <nav
      aria-label="Pages"
      className="sticky bottom-0 z-30 border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] lg:hidden"
    >
      {/* Each name takes the width that it needs, because equal widths are too narrow for the longest on a small phone. */}
      <ul className="mx-auto flex max-w-md">
        {PAGES.map(({ to, name, icon }) => (
          <li key={to} className="flex-auto">
            <Link
              to={to}
              activeOptions={{ exact: true, includeSearch: false }}
              className="flex h-14 flex-col items-center justify-center gap-0.5 text-xs text-ink-soft"
              activeProps={{ className: 'font-semibold text-brand!' }}
            >
              <Badged show={to === '/alerts'}>{icon}</Badged>
              {name}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Badged({ show, children }: { show: boolean; children: ReactNode }) {
  return (
    <span className="relative">
      {children}
      {show && <OpenAlerts className="absolute -top-1.5 left-3" />}
    </span>
  );
}

/** More than two digits would cover the page's name. */
const COUNTED_MAX = 99;

/** The number of open alerts; nothing if there are none. */
function OpenAlerts({ className }: { className: string }) {
  const pushed = useLive((live) => live.alerts);
  const n_open = useOpenAlerts(pushed).alerts.length;
  if (n_open === 0) return null;
  return (
    <span
      className={`${className} min-w-4 rounded-full bg-critical px-1 text-center text-xs leading-4 font-semibold text-surface`}
    >
      {n_open > COUNTED_MAX ? `${COUNTED_MAX}+` : n_open}
      <span className="sr-only"> open</span>
    </span>
  );
}
