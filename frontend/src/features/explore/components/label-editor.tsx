import { clsx } from 'clsx';
import { useState } from 'react';
import { SENTIMENTS } from '@/api/wire';
import { Button } from '@/components/ui/button';
import { TextField } from '@/components/ui/field';
import { Failure } from '@/components/ui/notice';
import { SentimentMark } from '@/components/ui/sentiment-mark';
import { useCorrectLabel } from '@/features/explore/api/use-label';
import type { ExploredDetails } from '@/features/explore/api/use-posts';
import { capitalize } from '@/lib/format';
import { useMay } from '@/lib/me';

/** The server's limit. */
const NOTE_CHARACTERS_MAX = 500;

/** Lets a person correct the label. The figures keep using the model's label. */
export function LabelEditor({ details }: { details: ExploredDetails }) {
  const { post, score, corrected_label } = details;
  const correct = useCorrectLabel();
  const [note, setNote] = useState('');
  const { label } = score.sentiment;
  const mayCorrect = useMay()('correct_label');
  const predicted = `${score.model.name} ${score.model.version} predicted ${label}.`;
  const why = mayCorrect
    ? ' Your label is stored alongside it and helps train the next model.'
    : '';
  return (
    <section
      aria-label="Label"
      className="rounded-md border border-line bg-raised px-3.5 py-3 text-sm"
    >
      <h3 className="text-sm font-semibold">{mayCorrect ? 'Is the label correct?' : 'Label'}</h3>
      <p className="mt-0.5 text-ink-soft" role="status">
        {corrected_label
          ? `Set to ${corrected_label} by a person; ${predicted}`
          : `${predicted}${why}`}
      </p>
      {mayCorrect && (
        <>
          <div role="group" aria-label="Correct the label" className="mt-2 flex flex-wrap gap-1.5">
            {SENTIMENTS.map((choice) => (
              <Button
                key={choice}
                aria-pressed={corrected_label === choice}
                className={clsx(corrected_label === choice && 'border-brand! bg-highlight!')}
                onClick={() =>
                  correct.mutate({ uuid: post.uuid, label: choice, note: note.trim() })
                }
              >
                <SentimentMark label={choice} />
                {capitalize(choice)}
              </Button>
            ))}
            {corrected_label && (
              <Button look="quiet" onClick={() => correct.mutate({ uuid: post.uuid, label: null })}>
                Remove correction
              </Button>
            )}
          </div>
          <details className="mt-2">
            <summary className="caption w-fit rounded-md hover:text-ink">Add a note</summary>
            <TextField
              label="Note on the label"
              hint="Saved and exported with the label you choose next."
              className="mt-1.5"
              maxLength={NOTE_CHARACTERS_MAX}
              value={note}
              onChange={setNote}
            />
          </details>
        </>
      )}
      {correct.error !== null && (
        <Failure className="mt-2" what="The label could not be saved" error={correct.error} />
      )}
    </section>
  );
}
