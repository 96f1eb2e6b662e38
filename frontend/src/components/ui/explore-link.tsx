import { useRouter } from '@tanstack/react-router';
import { clsx } from 'clsx';
import type { MouseEvent, ReactNode } from 'react';

interface ExploreLinkProps {
  /** By the names of the Explore page's address, which are the API's. */
  search: Record<string, string>;
  className?: string;
  title?: string;
  children: ReactNode;
}

/** Leads to the posts behind a figure. An ordinary link, so that it can be copied and opened in another tab. */
export function ExploreLink({ search, className, title, children }: ExploreLinkProps) {
  const router = useRouter({ warn: false }) as ReturnType<typeof useRouter> | null;
  const follow = (event: MouseEvent) => {
    const wantsAnotherTab = event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0;
    if (router === null || wantsAnotherTab) return;
    event.preventDefault();
    void router.navigate({ to: '/explore', search });
  };
  return (
    <a
      href={`/explore?${new URLSearchParams(search).toString()}`}
      title={title}
      className={clsx(
        'underline decoration-line-strong underline-offset-2 hover:decoration-brand',
        className,
      )}
      onClick={follow}
    >
      {children}
    </a>
  );
}
