import { QueryClientProvider } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { Empty } from '@/components/ui/notice';
import { WaveMark } from '@/components/ui/wave-mark';
import { SharedView } from '@/features/share/components/shared-view';
import { access } from '@/lib/access';
import { queryClient } from '@/lib/query-client';

/** The page that share links open. Their token is in the fragment, which the browser never sends. */
export function SharedPage() {
  const [token] = useState(() => {
    const fragment = window.location.hash.slice(1);
    access.present(fragment);
    return fragment;
  });
  useEffect(() => {
    document.title = 'Shared view · Groundswell';
    // Another link, opened in the same tab.
    const reload = () => window.location.reload();
    window.addEventListener('hashchange', reload);
    return () => window.removeEventListener('hashchange', reload);
  }, []);
  return (
    <QueryClientProvider client={queryClient}>
      <header className="border-b border-line">
        <p className="mx-auto flex h-13 max-w-[1200px] items-center gap-2 px-3 text-base font-semibold sm:px-4">
          <WaveMark /> Groundswell
        </p>
      </header>
      <main className="mx-auto w-full max-w-[1200px] p-3 sm:px-4">
        {token === '' ? (
          <Empty title="This link is incomplete">Copy the whole link, with the part after #.</Empty>
        ) : (
          <SharedView />
        )}
      </main>
    </QueryClientProvider>
  );
}
