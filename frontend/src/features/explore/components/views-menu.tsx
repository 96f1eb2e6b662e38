import { lazy, Suspense, useState } from 'react';
import { Allowed } from '@/components/ui/allowed';
import { Button } from '@/components/ui/button';
import { DeleteButton } from '@/components/ui/confirm';
import { EditorForm } from '@/components/ui/editor';
import { Field, Input } from '@/components/ui/field';
import { Failure } from '@/components/ui/notice';
import { Popover } from '@/components/ui/popover';
import { QueryStatus } from '@/components/ui/query-status';
import { useChangeView, useViews, type ViewChange } from '@/features/explore/api/use-views';
import type { SavedView } from '@/features/explore/api/wire';
import { describeRecorded } from '@/lib/identity-names';
import { useEditor, type Problems } from '@/lib/use-editor';

/** Loaded on demand, since few visits use it. */
const ShareSheet = lazy(async () => {
  const { ShareSheet } = await import('@/features/explore/share/share-sheet');
  return { default: ShareSheet };
});

interface ViewsMenuProps {
  page: SavedView['page'];
  /** For a menu that is loaded when the person opens it. */
  startsOpen?: boolean;
  /** The query string of the page, without the `?`. */
  current: string;
  onOpenView: (query: string) => void;
}

/** Opens, renames, deletes and saves views. */
export function ViewsMenu({ page, startsOpen = false, current, onOpenView }: ViewsMenuProps) {
  const [open, setOpen] = useState(startsOpen);
  const views = useViews(page, open);
  const remove = useChangeView(page);
  const [isSharing, setSharing] = useState(false);
  const menu = (
    <Popover label="Saved views" text="Views" open={open} onOpenChange={setOpen}>
      <h2 className="mb-1 text-sm font-semibold">Saved views</h2>
      <QueryStatus query={views} what="saved views" rows={3} />
      {views.data?.length === 0 && (
        <p className="py-1 text-sm text-ink-soft">
          No saved views yet.
          <Allowed to="create_view"> Save this view to return to it later.</Allowed>
        </p>
      )}
      <ul className="-mx-1.5" aria-label="Saved views">
        {views.data?.map((view) => (
          <ViewRow
            key={view.id}
            view={view}
            isCurrent={view.query === current}
            onOpen={() => {
              setOpen(false);
              onOpenView(view.query);
            }}
            onDelete={() => remove.mutate({ kind: 'delete', id: view.id })}
          />
        ))}
      </ul>
      {remove.error !== null && (
        <Failure what="The view could not be deleted" error={remove.error} />
      )}
      <Allowed to="create_view">
        <div className="mt-2 border-t border-line pt-2.5">
          <NameForm
            page={page}
            label="Save this view as"
            action="Save"
            toChange={(name) => ({ kind: 'create', name, query: current })}
          />
        </div>
      </Allowed>
      <Allowed to="create_share_link">
        <div className="mt-2.5 border-t border-line pt-2.5">
          <Button
            onClick={() => {
              setOpen(false);
              setSharing(true);
            }}
          >
            Share this view…
          </Button>
        </div>
      </Allowed>
    </Popover>
  );
  return (
    <>
      {menu}
      {isSharing && (
        <Suspense>
          <ShareSheet page={page} current={current} onClose={() => setSharing(false)} />
        </Suspense>
      )}
    </>
  );
}

interface ViewRowProps {
  view: SavedView;
  isCurrent: boolean;
  onOpen: () => void;
  onDelete: () => void;
}

function ViewRow({ view, isCurrent, onOpen, onDelete }: ViewRowProps) {
  const [renaming, setRenaming] = useState(false);
  if (renaming) {
    return (
      <li className="px-1.5 py-1">
        <NameForm
          page={view.page}
          label={`New name for ${view.name}`}
          action="Rename"
          name={view.name}
          toChange={(name) => ({ kind: 'rename', view, name })}
          onSaved={() => setRenaming(false)}
        />
      </li>
    );
  }
  return (
    <li className="flex items-center gap-1">
      <button
        type="button"
        aria-current={isCurrent || undefined}
        title={
          view.updated_by == null ? undefined : `Changed by ${describeRecorded(view.updated_by)}`
        }
        className="min-w-0 flex-1 truncate rounded-md px-1.5 py-1.5 text-left text-sm hover:bg-highlight aria-[current]:font-semibold"
        onClick={onOpen}
      >
        {view.name}
      </button>
      <Allowed to="update_view">
        <Button
          look="quiet"
          className="h-7! px-1.5! text-xs!"
          aria-label={`Rename ${view.name}`}
          onClick={() => setRenaming(true)}
        >
          Rename
        </Button>
      </Allowed>
      <Allowed to="delete_view">
        <DeleteButton
          noun="view"
          name={view.name}
          className="h-7! px-1.5! text-xs!"
          onDelete={onDelete}
        >
          The saved view is removed for everyone on this server. Links to it keep working.
        </DeleteButton>
      </Allowed>
    </li>
  );
}

interface NameFormProps {
  page: SavedView['page'];
  label: string;
  action: string;
  name?: string;
  toChange: (name: string) => ViewChange;
  onSaved?: () => void;
}

function NameForm({ page, label, action, name = '', toChange, onSaved }: NameFormProps) {
  const editor = useEditor({
    initial: { name },
    read: (draft) => readName(draft.name, toChange),
    fields: ['name'],
    mutation: useChangeView(page),
    onSaved: () => {
      editor.set({ name: '' });
      onSaved?.();
    },
  });
  return (
    <EditorForm label={`${action} view`} what="the view" editor={editor}>
      <Field label={label} error={editor.problemOf('name')}>
        {(control) => (
          <span className="flex gap-1.5">
            <Input
              {...control}
              value={editor.draft.name}
              maxLength={100}
              onChange={({ target }) => editor.set({ name: target.value })}
            />
            <Button type="submit" look="solid" className="h-9!" disabled={editor.isSaving}>
              {action}
            </Button>
          </span>
        )}
      </Field>
    </EditorForm>
  );
}

function readName(name: string, toChange: (name: string) => ViewChange) {
  const trimmed = name.trim();
  const problems: Problems = trimmed === '' ? { name: 'Enter a name.' } : {};
  return { value: toChange(trimmed), problems };
}
