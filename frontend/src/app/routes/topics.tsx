import { useEffect } from 'react';
import { PostItem } from '@/features/live-feed/components/post-item';
import type { TopicPost } from '@/features/topics/api/wire';
import { TopicsView } from '@/features/topics/components/topics-view';

/** What people want to hear about. */
export function TopicsPage() {
  useEffect(() => {
    document.title = 'Topics · Groundswell';
  }, []);
  return (
    <>
      <h1 className="sr-only">Topics</h1>
      <TopicsView renderPost={renderPost} />
    </>
  );
}

function renderPost(listed: TopicPost, now: number) {
  return <PostItem key={listed.post.uuid} scored={listed} now={now} />;
}
