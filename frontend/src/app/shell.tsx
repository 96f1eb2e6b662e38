import { Link, Outlet } from '@tanstack/react-router';
import { useQueryClient, type Query } from '@tanstack/react-query';
import { useEffect } from 'react';
import { Button } from '@/components/ui/button';
import { MoonIcon, PauseIcon, PlayIcon, SunIcon } from '@/components/ui/icons';
import { WaveMark } from '@/components/ui/wave-mark';
import { liveClient } from '@/app/live-client';
import { PageBar, PageLinks } from '@/app/navigation';
import { ConnectionPill } from '@/features/connection/components/connection-pill';
import { TokenForm } from '@/features/connection/components/token-form';
import { UpdateNotice } from '@/features/pwa/components/update-notice';
import { useIsLocked } from '@/lib/access';
import { chooseTheme, useTheme } from '@/lib/theme';
import { liveStore, useLive } from '@/live/store';

/** The layout of every page. Owns the live connection. */
export function Shell() {
  useEffect(() => {
    liveClient.start();
    return () => liveClient.stop();
  }, []);
  useRefetchAfterGaps();
  useRefetchAfterOutages();
  const isLocked = useIsLocked();
  return (
    <div className="flex min-h-dvh flex-col">
      <a
        href="#main"
        className="sr-only rounded-md bg-brand px-3 py-2 text-brand-ink focus:not-sr-only focus:absolute focus:top-2 focus:left-2 focus:z-50"
      >
        Skip to main content
      </a>
      <header className="sticky top-0 z-30 border-b border-line bg-page/90 backdrop-blur">
        <div className="mx-auto flex h-13 max-w-[1760px] items-center gap-1 px-3 sm:gap-2 sm:px-4">
          <Link to="/" className="flex items-center gap-2 rounded-md" aria-label="Groundswell">
            <WaveMark />
            <span className="hidden text-[17px] font-semibold tracking-tight min-[520px]:inline">
              Groundswell
            </span>
          </Link>
          <PageLinks />
          <div className="ml-auto flex items-center gap-1">
            <Connection />
            <PauseButton />
            <ThemeButton />
          </div>
        </div>
      </header>
      <main
        id="main"
        tabIndex={-1}
        className="mx-auto w-full max-w-[1760px] flex-1 p-3 outline-none sm:px-4"
      >
        <UpdateNotice />
        {isLocked ? <TokenForm onAccepted={liveClient.retryNow} /> : <Outlet />}
      </main>
      <PageBar />
    </div>
  );
}

/** Refetches everything after a gap in the live feed. */
function useRefetchAfterGaps() {
  const client = useQueryClient();
  const gaps = useLive((live) => live.gaps);
  useEffect(() => {
    if (gaps > 0) void client.invalidateQueries();
  }, [client, gaps]);
}

/** Refetches failed queries once the server is back. */
function useRefetchAfterOutages() {
  const client = useQueryClient();
  const isLive = useLive((live) => live.connection.state === 'live');
  useEffect(() => {
    if (!isLive) return;
    const predicate = ({ state }: Query) => state.status === 'error';
    void client.refetchQueries({ type: 'active', predicate });
  }, [client, isLive]);
}

function Connection() {
  const connection = useLive((live) => live.connection);
  const paused = useLive((live) => live.paused);
  return <ConnectionPill connection={connection} paused={paused} />;
}

function PauseButton() {
  const paused = useLive((live) => live.paused);
  return (
    <Button
      className="px-2! sm:px-3!"
      aria-label={paused ? 'Resume' : 'Pause'}
      aria-pressed={paused}
      onClick={() => liveStore.setPaused(!paused)}
    >
      {paused ? <PlayIcon /> : <PauseIcon />}
      <span className="hidden sm:inline">{paused ? 'Resume' : 'Pause'}</span>
    </Button>
  );
}

function ThemeButton() {
  const theme = useTheme();
  const other = theme === 'dark' ? 'light' : 'dark';
  return (
    <Button
      look="quiet"
      square
      aria-label={`Switch to ${other} theme`}
      title={`Switch to ${other} theme`}
      onClick={() => chooseTheme(other)}
    >
      {theme === 'dark' ? <SunIcon /> : <MoonIcon />}
    </Button>
  );
}
