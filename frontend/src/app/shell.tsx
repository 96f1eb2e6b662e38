import { Link, Outlet, useLocation } from '@tanstack/react-router';
import { useQueryClient, type Query } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import type { Me } from '@/api/identity';
import { Gate } from '@/app/gate';
import { liveClient } from '@/app/live-client';
import { PageBar, PageLinks } from '@/app/navigation';
import { ThemeButton } from '@/app/theme-button';
import { Button } from '@/components/ui/button';
import { PauseIcon, PersonIcon, PlayIcon } from '@/components/ui/icons';
import { WaveMark } from '@/components/ui/wave-mark';
import { ConnectionPill } from '@/features/connection/components/connection-pill';
import { UpdateNotice } from '@/features/pwa/components/update-notice';
import { useIsLocked } from '@/lib/access';
import { nameOf, useMe } from '@/lib/me';
import { person } from '@/lib/person';
import { liveStore, useLive } from '@/live/store';

/** The layout of every page. Owns the live connection. */
export function Shell() {
  useEffect(() => {
    liveClient.start();
    return () => liveClient.stop();
  }, []);
  useRefetchAfterGaps();
  useRefetchAfterOutages();
  const me = useMe();
  useNameOfAccount(me);
  const isLocked = useIsLocked();
  // Somebody who was in keeps the page, with what they typed into it, below the cover.
  const cover = isLocked && me !== undefined && (
    <Suspense>
      <SignInCover before={me} />
    </Suspense>
  );
  const isShut = isLocked && me === undefined;
  const isOnWall = useLocation({
    select: ({ pathname, search }) => pathname === '/' && 'wall' in search,
  });
  if (isOnWall && !isShut) {
    return (
      <main id="main">
        <Outlet />
        {cover}
      </main>
    );
  }
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
            <span className="hidden text-base font-semibold tracking-tight min-[520px]:inline">
              Groundswell
            </span>
          </Link>
          <PageLinks />
          <div className="ml-auto flex items-center gap-1">
            <LiveControls />
            <PersonButton me={me} />
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
        {isShut ? <Gate /> : <Outlet />}
      </main>
      <PageBar />
      {cover}
    </div>
  );
}

/** Refetches everything after a gap in the live feed; while paused, once the page is live again. */
function useRefetchAfterGaps() {
  const client = useQueryClient();
  const gaps = useLive((live) => live.gaps);
  const paused = useLive((live) => live.paused);
  const filled = useRef(0);
  useEffect(() => {
    if (paused || gaps === filled.current) return;
    filled.current = gaps;
    void client.invalidateQueries();
  }, [client, gaps, paused]);
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

/** The connection, and the pause on the one page that moves by itself and can be paused. */
function LiveControls() {
  const connection = useLive((live) => live.connection);
  const paused = useLive((live) => live.paused);
  const canPause = useLocation({ select: ({ pathname }) => pathname === '/' });
  return (
    <>
      <ConnectionPill connection={connection} paused={paused && canPause} />
      {canPause && <PauseButton />}
    </>
  );
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

/** Loaded once a session ends. */
const SignInCover = lazy(async () => {
  const { SignInCover } = await import('@/app/sign-in-cover');
  return { default: SignInCover };
});

/** Shows what somebody does under the name of their account, as the server does. */
function useNameOfAccount(me: Me | undefined) {
  const account = me?.user ? nameOf(me.user) : null;
  useEffect(() => person.actAs(account), [account]);
}

const PersonMenu = lazy(async () => {
  const { PersonMenu } = await import('@/app/person-menu');
  return { default: PersonMenu };
});

/** The person's account, or without one their name. The menu is loaded once it is wanted. */
function PersonButton({ me }: { me: Me | undefined }) {
  const [isWanted, setWanted] = useState(false);
  const label = me?.user ? `Account: ${nameOf(me.user)}` : 'Your name';
  const button = (
    <Button
      look="quiet"
      square
      aria-label={label}
      title={label}
      aria-haspopup="dialog"
      onClick={() => setWanted(true)}
    >
      <PersonIcon />
    </Button>
  );
  if (!isWanted) return button;
  return (
    <Suspense fallback={button}>
      <PersonMenu />
    </Suspense>
  );
}
