import { useState } from 'react';
import { ActorName } from '@/components/ui/actor-name';
import { Allowed } from '@/components/ui/allowed';
import { Button } from '@/components/ui/button';
import { Field, TextArea } from '@/components/ui/field';
import { Form } from '@/components/ui/form';
import { Failure } from '@/components/ui/notice';
import { QueryStatus } from '@/components/ui/query-status';
import { useAddNote, useChangeWork, useHistory } from '@/features/work/api/use-work';
import type { WorkMoment } from '@/features/work/api/wire';
import { WorkActions, WorkDone } from '@/features/work/components/work-actions';
import { WorkBadges } from '@/features/work/components/work-badges';
import { describeMoment } from '@/features/work/model/describe';
import { useWork } from '@/features/work/model/work-store';
import { formatDate } from '@/lib/time';

const NOTE_MAX = 2_000;

/** The work on one post: what can be done, notes, and who did what, when. */
export function WorkPanel({ uuid }: { uuid: string }) {
  const query = useHistory(uuid);
  const item = { post: { uuid }, work: query.data?.work };
  const work = useWork(item);
  const change = useChangeWork();
  return (
    <section
      aria-label="Work on this post"
      className="rounded-md border border-line px-3.5 py-3 text-sm"
    >
      <h3 className="text-sm font-semibold">Work on this post</h3>
      <p className="mt-1.5 flex flex-wrap items-center gap-1.5 empty:hidden">
        <WorkBadges item={item} />
      </p>
      <Allowed to="change_work_on_posts">
        <div
          role="toolbar"
          aria-label="Work on this post"
          className="mt-2 flex flex-wrap items-center gap-2"
        >
          <WorkActions
            works={query.data === undefined ? [] : [work]}
            of="this post"
            change={change}
          />
        </div>
        <WorkDone change={change} />
      </Allowed>
      <QueryStatus query={query} what="history" rows={2} />
      {query.data !== undefined && query.data.items.length > 0 && (
        <ol aria-label="History" className="space-y-1.5 border-l border-line-strong pl-4">
          {query.data.items.map((moment, i) => (
            <Moment key={i} moment={moment} />
          ))}
        </ol>
      )}
      <Allowed to="add_note_to_post">
        <NoteForm uuid={uuid} />
      </Allowed>
    </section>
  );
}

function Moment({ moment }: { moment: WorkMoment }) {
  const { at, actor, field, after } = moment;
  return (
    <li className="relative wrap-anywhere">
      <span className="absolute top-1.5 -left-[19px] size-1.5 rounded-full bg-ink-faint" />
      <ActorName name={actor ?? 'Someone'} /> {describeMoment(moment)},{' '}
      <time className="text-ink-soft" dateTime={at}>
        {formatDate(at)}
      </time>
      {field === 'note' && (
        <p
          className="mt-0.5 rounded-md bg-sunken px-2.5 py-1.5 break-words whitespace-pre-wrap"
          dir="auto"
        >
          {after}
        </p>
      )}
    </li>
  );
}

function NoteForm({ uuid }: { uuid: string }) {
  const [text, setText] = useState('');
  const add = useAddNote(uuid);
  const typed = text.trim();
  const submit = () => {
    if (typed === '' || add.isPending) return;
    add.mutate(typed, { onSuccess: () => setText('') });
  };
  return (
    <Form label="New note" className="mt-3 flex flex-col gap-2" onSubmit={submit}>
      <Field label="Note" hint="Everyone sees it. It cannot be changed later.">
        {(control) => (
          <TextArea
            {...control}
            rows={2}
            maxLength={NOTE_MAX}
            value={text}
            onChange={({ target }) => setText(target.value)}
          />
        )}
      </Field>
      {add.error !== null && <Failure what="The note could not be saved" error={add.error} />}
      <Button type="submit" className="self-start" disabled={typed === '' || add.isPending}>
        {add.isPending ? 'Saving…' : 'Add note'}
      </Button>
    </Form>
  );
}
