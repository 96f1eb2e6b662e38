import { useState } from 'react';
import { ActorName } from '@/components/ui/actor-name';
import { Allowed } from '@/components/ui/allowed';
import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { Field, TextArea } from '@/components/ui/field';
import { Form } from '@/components/ui/form';
import { Failure } from '@/components/ui/notice';
import { useComment } from '@/features/alerts/api/use-comment';
import type { AlertDetails, AlertMoment } from '@/features/alerts/api/wire';
import { describeMoment, formatValue } from '@/features/alerts/model/describe-alert';
import { formatDate } from '@/lib/format';

const COMMENT_MAX = 2_000;

/** What happened to an alert and what people did about it, with a form to comment on it. */
export function AlertTimeline({ alert }: { alert: AlertDetails }) {
  return (
    <>
      <ol aria-label="History" className="space-y-1.5 border-l border-line-strong pl-4">
        {alert.history.map((moment, i) => (
          <Moment key={i} alert={alert} moment={moment} isFirst={isFirstOpening(alert, i)} />
        ))}
      </ol>
      <Allowed to="comment_on_alert">
        <CommentForm id={alert.id} />
      </Allowed>
    </>
  );
}

interface MomentProps {
  alert: AlertDetails;
  moment: AlertMoment;
  isFirst: boolean;
}

function Moment({ alert, moment, isFirst }: MomentProps) {
  return (
    <li className="relative text-sm wrap-anywhere">
      <span className="absolute top-1.5 -left-[19px] size-1.5 rounded-full bg-ink-faint" />
      {moment.phase === 'firing' && !isFirst ? 'Fired again' : describeMoment(moment)}
      {moment.actor != null && (
        <span className="text-ink-soft">
          {' '}
          by <ActorName name={moment.actor} />
        </span>
      )}
      {moment.phase !== undefined && moment.value != null && (
        <span className="ml-1.5">
          <Badge>{formatValue(alert, moment.value)}</Badge>
        </span>
      )}
      {moment.comment != null && (
        <p
          className="mt-0.5 rounded-md bg-sunken px-2.5 py-1.5 break-words whitespace-pre-wrap"
          dir="auto"
        >
          {moment.comment}
        </p>
      )}
      <time className="caption block" dateTime={moment.at}>
        {formatDate(moment.at)}
      </time>
    </li>
  );
}

function isFirstOpening({ history }: AlertDetails, place: number): boolean {
  return history.findIndex(({ phase }) => phase === 'firing') === place;
}

function CommentForm({ id }: { id: string }) {
  const [text, setText] = useState('');
  const comment = useComment(id);
  const typed = text.trim();
  const submit = () => {
    if (typed === '' || comment.isPending) return;
    comment.mutate(typed, { onSuccess: () => setText('') });
  };
  return (
    <Form label="New comment" className="mt-4 flex flex-col gap-2" onSubmit={submit}>
      <Field label="Comment" hint="Everyone sees it. It cannot be changed later.">
        {(control) => (
          <TextArea
            {...control}
            rows={2}
            maxLength={COMMENT_MAX}
            value={text}
            onChange={({ target }) => setText(target.value)}
          />
        )}
      </Field>
      {comment.error !== null && (
        <Failure what="The comment could not be saved" error={comment.error} />
      )}
      <Button type="submit" className="self-start" disabled={typed === '' || comment.isPending}>
        {comment.isPending ? 'Saving…' : 'Add comment'}
      </Button>
    </Form>
  );
}
