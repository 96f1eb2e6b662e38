import { useState } from 'react';
import { Allowed } from '@/components/ui/allowed';
import { Button } from '@/components/ui/button';
import { Empty, Failure } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { useDeleteTopic, useTopicCounts, useTopics } from '@/features/topics/api/use-topics';
import type { Topic } from '@/features/topics/api/wire';
import type { RenderPost } from '@/features/topics/components/query-preview';
import { TopicEditor } from '@/features/topics/components/topic-editor';
import { TopicRow } from '@/features/topics/components/topic-row';
import { useNow } from '@/lib/use-now';

/** All topics, with their editor. `renderPost` shows a post that a query matches. */
export function TopicsView({ renderPost }: { renderPost: RenderPost }) {
  const topics = useTopics();
  const countOf = useTopicCounts();
  const remove = useDeleteTopic();
  const now = useNow(30_000);
  const [edited, setEdited] = useState<Topic | 'new' | null>(null);
  return (
    <Panel
      title="Topics"
      note="what posts are about"
      actions={
        <Allowed to="create_topic">
          <Button look="solid" onClick={() => setEdited('new')}>
            New topic
          </Button>
        </Allowed>
      }
    >
      <QueryStatus query={topics} what="topics" rows={5} />
      <Deleted remove={remove} />
      {topics.data?.length === 0 && (
        <Empty title="No topics yet">
          <p>
            A topic is a subject that you follow: a product, brand, competitor, person, event or
            issue. Its query matches the posts about it, which are then counted under its name.
          </p>
          <Allowed to="create_topic">
            <Button className="mt-3" onClick={() => setEdited('new')}>
              Create a topic
            </Button>
          </Allowed>
        </Empty>
      )}
      <ul aria-label="Topics" className="-mx-4 mt-2">
        {topics.data?.map((topic) => (
          <TopicRow
            key={topic.id}
            topic={topic}
            n_posts={countOf(topic.name)}
            now={now}
            onEdit={() => setEdited(topic)}
            onDelete={() => remove.mutate({ topic })}
          />
        ))}
      </ul>
      {edited !== null && (
        <TopicEditor
          topic={edited === 'new' ? null : edited}
          renderPost={renderPost}
          onClose={() => setEdited(null)}
        />
      )}
    </Panel>
  );
}

/** Says which topic was deleted last, and takes it back. */
function Deleted({ remove }: { remove: ReturnType<typeof useDeleteTopic> }) {
  const { variables, isSuccess, error, mutate } = remove;
  const wasUndo = variables?.undo === true;
  const name = variables?.topic.name;
  return (
    <>
      <p role="status" className="flex flex-wrap items-center gap-2 text-sm text-ink-soft">
        {isSuccess && (wasUndo ? `Restored “${name}”.` : `Deleted “${name}”.`)}
        {isSuccess && !wasUndo && (
          // The button that had focus is gone.
          <Button
            autoFocus
            look="quiet"
            className="text-brand!"
            onClick={() => mutate({ topic: variables.topic, undo: true })}
          >
            Undo
          </Button>
        )}
      </p>
      {error !== null && (
        <Failure
          className="mt-2"
          what={wasUndo ? 'The topic could not be restored' : 'The topic could not be deleted'}
          error={error}
          onRetry={wasUndo ? () => mutate(variables) : undefined}
        />
      )}
    </>
  );
}
