import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { Command } from '@/components/ui/command';
import { Confirm } from '@/components/ui/confirm';
import { EditorForm } from '@/components/ui/editor';
import { Field, Input } from '@/components/ui/field';
import { Failure } from '@/components/ui/notice';
import { QueryStatus } from '@/components/ui/query-status';
import { Select } from '@/components/ui/select';
import { Sheet } from '@/components/ui/sheet';
import {
  useCreateShareLink,
  useRevokeShareLink,
  useShareLinks,
  type CreatedShareLink,
  type NewShareLink,
  type ShareLink,
} from '@/features/explore/share/use-share-links';
import { describeRecorded } from '@/lib/identity-names';
import { formatDate } from '@/lib/time';
import { useEditor, type Problems } from '@/lib/use-editor';
import { localZone } from '@/lib/zone';

interface ShareSheetProps {
  page: ShareLink['page'];
  /** The query string of the page, without the `?`. */
  current: string;
  onClose: () => void;
}

const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 24 * HOUR_SECONDS;

const LIFETIMES = [
  [HOUR_SECONDS, '1 hour'],
  [DAY_SECONDS, '1 day'],
  [7 * DAY_SECONDS, '7 days'],
  [30 * DAY_SECONDS, '30 days'],
  [90 * DAY_SECONDS, '90 days'],
] as const;

/** Creates share links of the current view, and lists and revokes all links. */
export function ShareSheet({ page, current, onClose }: ShareSheetProps) {
  const [created, setCreated] = useState<CreatedShareLink | null>(null);
  return (
    <Sheet
      title="Share"
      description="Anyone with the link can read the figures and posts of this view, and nothing else, until it expires."
      onClose={onClose}
    >
      <ShareForm page={page} current={current} onCreated={setCreated} />
      {created !== null && (
        <section aria-label="New link" className="mt-4">
          <p role="status" className="mb-1.5 text-sm">
            Copy the link now. It is shown only once.
          </p>
          <Command text={addressOf(created.token)} />
        </section>
      )}
      <Links />
    </Sheet>
  );
}

/** The token is in the fragment, which browsers never send, so no log has it. */
function addressOf(token: string): string {
  return `${window.location.origin}/shared#${token}`;
}

interface ShareFormProps extends Omit<ShareSheetProps, 'onClose'> {
  onCreated: (created: CreatedShareLink) => void;
}

function ShareForm({ page, current, onCreated }: ShareFormProps) {
  const editor = useEditor({
    initial: { name: '', seconds: (7 * DAY_SECONDS) as number },
    read: ({ name, seconds }) => readLink({ name, seconds, page, current }),
    fields: ['name', 'query', 'expires_in_seconds'],
    mutation: useCreateShareLink(),
    onSaved: (answer: CreatedShareLink) => {
      editor.set({ name: '' });
      onCreated(answer);
    },
  });
  return (
    <EditorForm label="Share this view" what="the link" editor={editor}>
      <div className="flex flex-col gap-3">
        <Field
          label="Name"
          hint="Shown to those who open the link."
          error={editor.problemOf('name')}
        >
          {(control) => (
            <Input
              {...control}
              value={editor.draft.name}
              maxLength={100}
              onChange={({ target }) => editor.set({ name: target.value })}
            />
          )}
        </Field>
        <Field label="Expires after" error={editor.problemOf('expires_in_seconds')}>
          {(control) => (
            <Select
              {...control}
              value={editor.draft.seconds}
              onChange={({ target }) => editor.set({ seconds: Number(target.value) })}
            >
              {LIFETIMES.map(([seconds, text]) => (
                <option key={seconds} value={seconds}>
                  {text}
                </option>
              ))}
            </Select>
          )}
        </Field>
        {editor.problemOf('query') !== null && (
          <p role="alert" className="text-sm text-critical">
            {editor.problemOf('query')}
          </p>
        )}
        <Button type="submit" look="solid" className="self-start" disabled={editor.isSaving}>
          Create link
        </Button>
      </div>
    </EditorForm>
  );
}

interface Draft extends Omit<ShareSheetProps, 'onClose'> {
  name: string;
  seconds: number;
}

export function readLink({ name, seconds, page, current }: Draft) {
  const query = new URLSearchParams(current);
  // The page leaves out the zone of this browser; the holder's may be another.
  if (page === 'explore' && !query.has('tz')) query.set('tz', localZone());
  const value: NewShareLink = {
    name: name.trim(),
    page,
    query: query.toString(),
    expires_in_seconds: seconds,
  };
  const problems: Problems = value.name === '' ? { name: 'Enter a name.' } : {};
  return { value, problems };
}

function Links() {
  const links = useShareLinks();
  const revoke = useRevokeShareLink();
  return (
    <section aria-label="Active links" className="mt-5">
      <h3 className="mb-1 text-sm font-semibold">Active links</h3>
      <QueryStatus query={links} what="links" rows={3} />
      {links.data?.length === 0 && <p className="text-sm text-ink-soft">No active links.</p>}
      <ul>
        {links.data?.map((link) => (
          <li key={link.id} className="flex items-center gap-2 border-t border-line py-2">
            <div className="min-w-0 flex-1">
              <p className="text-sm font-medium wrap-anywhere">{link.name}</p>
              <p className="caption wrap-anywhere">{describe(link)}</p>
            </div>
            <Confirm
              trigger={
                <Button className="h-7! px-2!" aria-label={`Revoke ${link.name}`}>
                  Revoke
                </Button>
              }
              question={`Revoke “${link.name}”?`}
              action="Revoke"
              onConfirm={() => revoke.mutate(link.id)}
            >
              The link stops working at once, for everyone who has it.
            </Confirm>
          </li>
        ))}
      </ul>
      {revoke.error !== null && (
        <Failure what="The link could not be revoked" error={revoke.error} />
      )}
    </section>
  );
}

function describe({ page, created_by, expires_at }: ShareLink): string {
  const by = created_by == null ? '' : `, by ${describeRecorded(created_by)}`;
  return `${page === 'live' ? 'Live' : 'Explore'}${by}, expires ${formatDate(expires_at)}`;
}
