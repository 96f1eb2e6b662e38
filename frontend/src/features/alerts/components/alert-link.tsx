import { useRouter } from '@tanstack/react-router';
import type { MouseEvent, ReactNode } from 'react';

interface AlertLinkProps {
  id: string;
  className?: string;
  children: ReactNode;
}

/** Leads to an alert with its evidence. An ordinary link, so that it can be copied and opened in another tab. */
export function AlertLink({ id, className, children }: AlertLinkProps) {
  const router = useRouter({ warn: false }) as ReturnType<typeof useRouter> | null;
  const follow = (event: MouseEvent) => {
    const wantsAnotherTab = event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0;
    if (router === null || wantsAnotherTab) return;
    event.preventDefault();
    void router.navigate({ to: '/alerts', search: { alert: id } });
  };
  return (
    <a
      href={`/alerts?${new URLSearchParams({ alert: id }).toString()}`}
      className={className}
      onClick={follow}
    >
      {children}
    </a>
  );
}
