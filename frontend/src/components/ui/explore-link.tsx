import { PageLink, type PageLinkProps } from '@/components/ui/page-link';

/** A link to the posts behind a figure. */
export function ExploreLink(props: Omit<PageLinkProps, 'to'>) {
  return <PageLink to="/explore" {...props} />;
}
