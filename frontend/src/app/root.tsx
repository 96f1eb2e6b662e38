import { Link, Outlet, useLocation } from '@tanstack/react-router';
import { Shell } from '@/app/shell';
import { ThemeButton } from '@/app/theme-button';
import { WaveMark } from '@/components/ui/wave-mark';
import { OUTSIDE_PAGES } from '@/features/sign-in/model/next';

/** The layout of the page in the address. */
export function Root() {
  const isOutside = useLocation({ select: ({ pathname }) => OUTSIDE_PAGES.includes(pathname) });
  return isOutside ? <Outside /> : <Shell />;
}

/** The layout of pages for people who are not signed in: without navigation and live connection. */
function Outside() {
  return (
    <div className="flex min-h-dvh flex-col">
      <header className="border-b border-line">
        <div className="mx-auto flex h-13 max-w-[1760px] items-center px-3 sm:px-4">
          <Link to="/" className="flex items-center gap-2 rounded-md">
            <WaveMark />
            <span className="text-base font-semibold tracking-tight">Groundswell</span>
          </Link>
          <div className="ml-auto">
            <ThemeButton />
          </div>
        </div>
      </header>
      <main id="main" className="w-full flex-1 p-3 sm:px-4">
        <Outlet />
      </main>
    </div>
  );
}
