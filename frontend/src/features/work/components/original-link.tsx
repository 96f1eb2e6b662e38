import type { Post } from '@/api/wire';
import { isWebAddress } from '@/lib/post';

/** A link to the post on its platform, where it can be answered; nothing if it has no address. */
export function OriginalLink({ post }: { post: Post }) {
  if (!isWebAddress(post.url)) return null;
  return (
    <a
      href={post.url}
      target="_blank"
      rel="noreferrer noopener"
      className="text-sm underline underline-offset-2"
    >
      Open the original post
    </a>
  );
}
