import { useState, type FormEvent } from 'react';
import { Button } from '@/components/ui/button';
import { Confirm } from '@/components/ui/confirm';
import { Field, Input } from '@/components/ui/field';
import { Failure, Skeleton } from '@/components/ui/notice';
import { Popover } from '@/components/ui/popover';
import { useChangeView, useViews } from '@/features/explore/api/use-views';
import type { SavedView } from '@/features/explore/api/wire';
import { ApiError } from '@/lib/api-client';
import { capitalize } from '@/lib/format';

interface ViewsMenuProps {
  page: SavedView['page'];
  /** Whether it was asked for before it arrived. */
  startsOpen?: boolean;
  /** What follows the `?` of the page's address just now. */
  current: string;
  onOpenView: (query: string) => void;
}

/** Views that were given a name: opened, renamed, taken away, and the present one kept. */
export function ViewsMenu({ page, startsOpen = false, current, onOpenView }: ViewsMenuProps) {
  const [open, setOpen] = useState(startsOpen);
  const { data, error, isPending, refetch } = useViews(page, open);
  const change = useChangeView(page);
  return (
    <Popover label="Saved views" text="Views" open={open} onOpenChange={setOpen}>
      <h2 className="mb-1 text-[13px] font-semibold">Saved views</h2>
      {isPending && <Skeleton rows={3} label="Loading saved views" />}
      {error !== null && (
        <Failure
          what="The saved views could not be loaded"
          error={error}
          onRetry={() => void refetch()}
        />
      )}
      {data?.length === 0 && (
        <p className="py-1 text-[13px] text-ink-soft">
          No saved views yet. Save this view to return to it later.
        </p>
      )}
      <ul className="-mx-1.5" aria-label="Saved views">
        {data?.map((view) => (
          <ViewRow
            key={view.id}
            view={view}
            isCurrent={view.query === current}
            onOpen={() => {
              setOpen(false);
              onOpenView(view.query);
            }}
            onRename={(name) => change.mutateAsync({ kind: 'rename', view, name })}
            onDelete={() => change.mutate({ kind: 'delete', id: view.id })}
          />
        ))}
      </ul>
      {change.error !== null && change.variables.kind === 'delete' && (
        <Failure what="The view could not be deleted" error={change.error} />
      )}
      <div className="mt-2 border-t border-line pt-2.5">
        <NameForm
          label="Save this view as"
          action="Save"
          onSave={(name) => change.mutateAsync({ kind: 'create', name, query: current })}
        />
      </div>
    </Popover>
  );
}

interface ViewRowProps {
  view: SavedView;
  isCurrent: boolean;
  onOpen: () => void;
  onRename: (name: string) => Promise<unknown>;
  onDelete: () => void;
}

function ViewRow({ view, isCurrent, onOpen, onRename, onDelete }: ViewRowProps) {
  const [renaming, setRenaming] = useState(false);
  if (renaming) {
    return (
      <li className="px-1.5 py-1">
        <NameForm
          label={`New name for ${view.name}`}
          action="Rename"
          name={view.name}
          onSave={async (name) => {
            await onRename(name);
            setRenaming(false);
          }}
        />
      </li>
    );
  }
  return (
    <li className="flex items-center gap-1">
      <button
        type="button"
        aria-current={isCurrent || undefined}
        className="min-w-0 flex-1 truncate rounded-md px-1.5 py-1.5 text-left text-[13px] hover:bg-highlight aria-[current]:font-semibold"
        onClick={onOpen}
      >
        {view.name}
      </button>
      <Button
        look="quiet"
        className="h-7! px-1.5! text-[12px]!"
        aria-label={`Rename ${view.name}`}
        onClick={() => setRenaming(true)}
      >
        Rename
      </Button>
      <Confirm
        trigger={
          <Button
            look="quiet"
            className="h-7! px-1.5! text-[12px]!"
            aria-label={`Delete ${view.name}`}
          >
            Delete
          </Button>
        }
        question={`Delete the view “${view.name}”?`}
        action="Delete"
        onConfirm={onDelete}
      >
        The saved view is removed for everyone on this server. Links to it keep working.
      </Confirm>
    </li>
  );
}

interface NameFormProps {
  label: string;
  action: string;
  name?: string;
  onSave: (name: string) => Promise<unknown>;
}

function NameForm({ label, action, name = '', onSave }: NameFormProps) {
  const [typed, setTyped] = useState(name);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const save = async (event: FormEvent) => {
    event.preventDefault();
    const trimmed = typed.trim();
    if (trimmed === '') {
      setProblem('Enter a name.');
      return;
    }
    setBusy(true);
    try {
      await onSave(trimmed);
      setProblem(null);
      setTyped('');
    } catch (error) {
      setProblem(error instanceof ApiError ? `${capitalize(error.message)}.` : String(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void save(event)} noValidate>
      <Field label={label} error={problem}>
        {(control) => (
          <span className="flex gap-1.5">
            <Input
              {...control}
              value={typed}
              maxLength={100}
              onChange={({ target }) => setTyped(target.value)}
            />
            <Button type="submit" look="solid" className="h-9!" disabled={busy}>
              {action}
            </Button>
          </span>
        )}
      </Field>
    </form>
  );
}
