import { ActorName } from '@/components/ui/actor-name';
import { Allowed } from '@/components/ui/allowed';
import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { ExploreLink } from '@/components/ui/explore-link';
import { Failure } from '@/components/ui/notice';
import { Switch } from '@/components/ui/switch';
import { useSaveTopic } from '@/features/topics/api/use-topics';
import type { Topic } from '@/features/topics/api/wire';
import { contentOf } from '@/features/topics/model/draft';
import { formatAgo, formatPosts } from '@/lib/format';
import { formatDate } from '@/lib/time';

interface TopicRowProps {
  topic: Topic;
  /** Its posts of the last 24 hours, once they are counted. */
  n_posts: number | undefined;
  now: number;
  onEdit: () => void;
  onDelete: () => void;
}

/** One topic: what it is about, its query and posts, who changed it last, and its actions. */
export function TopicRow({ topic, n_posts, now, onEdit, onDelete }: TopicRowProps) {
  const save = useSaveTopic(topic.id);
  const { name, kind, is_ours, tracks_churn, enabled, query, updated_at, updated_by } = topic;
  return (
    <li className="border-t border-line px-4 py-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <Allowed to="replace_topic">
          <Switch
            label={`Enable ${name}`}
            checked={enabled}
            disabled={save.isPending}
            onChange={(next) => save.mutate({ ...contentOf(topic), enabled: next })}
          />
        </Allowed>
        <div className="min-w-0 flex-1 basis-60 wrap-anywhere">
          <p className="flex flex-wrap items-center gap-2 text-sm font-medium">
            {name}
            <Badge>{kind}</Badge>
            {is_ours && <Badge tone="brand">ours</Badge>}
            {tracks_churn && <Badge tone="outline">tracks churn</Badge>}
            {!enabled && <Badge tone="outline">off</Badge>}
          </p>
          <p
            className="mt-0.5 line-clamp-2 font-mono text-xs leading-5 text-ink-soft"
            title={query}
          >
            {query}
          </p>
          <p className="caption mt-0.5">
            <ExploreLink search={{ product: name, window: '24h' }} title="Show these posts">
              {n_posts === undefined ? 'Posts' : formatPosts(n_posts)} in the last 24 hours
            </ExploreLink>
            {' · '}
            <span title={formatDate(updated_at)}>
              changed {formatAgo(updated_at, now)}
              {updated_by && (
                <>
                  {' by '}
                  <ActorName name={updated_by} />
                </>
              )}
            </span>
          </p>
        </div>
        <div className="flex flex-wrap gap-1 max-sm:*:px-2!">
          <Allowed to="replace_topic">
            <Button aria-label={`Edit ${name}`} onClick={onEdit}>
              Edit
            </Button>
          </Allowed>
          <Allowed to="delete_topic">
            <Button look="quiet" aria-label={`Delete ${name}`} onClick={onDelete}>
              Delete
            </Button>
          </Allowed>
        </div>
      </div>
      {save.error !== null && (
        <Failure className="mt-2" what="The topic could not be changed" error={save.error} />
      )}
    </li>
  );
}
