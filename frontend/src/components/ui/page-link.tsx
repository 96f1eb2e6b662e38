import { useRouter } from '@tanstack/react-router';
import { clsx } from 'clsx';
import type { MouseEvent, ReactNode } from 'react';
import { toQueryString } from '@/lib/api-client';

export interface PageLinkProps {
  to:
    | '/'
    | '/explore'
    | '/alerts'
    | '/author'
    | '/account'
    | '/admin'
    | '/set-up'
    | '/sign-in'
    | '/forgot-password';
  /** The target page's search parameters. */
  search?: Record<string, string | readonly string[]>;
  className?: string | undefined;
  title?: string | undefined;
  children: ReactNode;
}

/** A link to another page. Navigates without a reload, unless it is opened in another tab. */
export function PageLink({ to, search = {}, className, title, children }: PageLinkProps) {
  const router = useRouter({ warn: false }) as ReturnType<typeof useRouter> | null;
  const follow = (event: MouseEvent) => {
    const wantsAnotherTab = event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0;
    if (router === null || wantsAnotherTab) return;
    event.preventDefault();
    void router.navigate({ to, search });
  };
  return (
    <a
      href={`${to}${toQueryString(search)}`}
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
