import { SentimentMark } from '@/components/ui/sentiment-mark';
import { usePost } from '@/features/live-feed/api/use-post';
import { describeHistory, describeLabel } from '@/features/live-feed/model/describe';

interface ScoreHistoryProps {
  uuid: string;
  /** Changes with each correction, which refetches the history. */
  revision: string;
}

/** Every score of a post with its model and time; nothing if there is only one. */
export function ScoreHistory({ uuid, revision }: ScoreHistoryProps) {
  const { data, error, isPending } = usePost(uuid, revision);
  if (isPending) return <p className="caption">Loading score history…</p>;
  if (error !== null) {
    return (
      <p role="alert" className="caption">
        The score history could not be loaded: {error.message}.
      </p>
    );
  }
  const readings = describeHistory(data);
  if (readings.length === 0) return null;
  return (
    <ol aria-label="Score history, oldest first" className="space-y-1">
      {readings.map(({ score, when }, i) => (
        <li key={i} className="flex flex-wrap items-center gap-x-1.5">
          <SentimentMark label={score.sentiment.label} uncertain={score.sentiment.uncertain} />
          <span>{describeLabel(score.sentiment)}</span>
          <span className="caption ml-auto">
            {score.model.name} {score.model.version}, {when}
          </span>
        </li>
      ))}
    </ol>
  );
}
