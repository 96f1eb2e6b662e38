import type { Post } from '@/api/wire';
import { PageLink } from '@/components/ui/page-link';
import { authorOf, handleOf } from '@/lib/post';

interface AuthorLinkProps {
  post: Pick<Post, 'platform' | 'author'>;
  /** Text before the link, if there is one. */
  lead?: string;
}

/** The author of a post, as a link to the author's page. Nothing if the author is unknown. */
export function AuthorLink({ post, lead = '' }: AuthorLinkProps) {
  const key = authorOf(post);
  if (key === null) return null;
  return (
    <>
      {lead}
      <PageLink to="/author" search={{ ...key }} title="Show this author">
        <bdi>{handleOf(post) ?? key.author}</bdi>
      </PageLink>
    </>
  );
}
