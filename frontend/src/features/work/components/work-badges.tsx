import { Badge } from '@/components/ui/badge';
import { STATUS_NAMES } from '@/features/work/model/describe';
import { useWork, type Listed } from '@/features/work/model/work-store';

interface WorkBadgesProps {
  item: Listed;
  /** Whether all posts in the list need an answer, so that none has to say so. */
  isQueue?: boolean;
}

/** What people have done about a post, as badges; nothing if nobody has done anything. */
export function WorkBadges({ item, isQueue = false }: WorkBadgesProps) {
  const { status, needs_answer, assignee, tags, notes } = useWork(item);
  const isFinished = status === 'answered' || status === 'closed';
  return (
    <>
      {needs_answer && !isFinished && !isQueue && <Badge tone="warning">needs an answer</Badge>}
      {status !== 'open' && (
        <Badge tone={isFinished ? 'good' : 'outline'}>{STATUS_NAMES[status].toLowerCase()}</Badge>
      )}
      {assignee != null && <Badge tone="outline">{assignee}</Badge>}
      {tags.map((tag) => (
        <Badge key={tag} tone="dashed">
          {tag}
        </Badge>
      ))}
      {notes > 0 && <Badge>{notes === 1 ? '1 note' : `${notes} notes`}</Badge>}
    </>
  );
}
