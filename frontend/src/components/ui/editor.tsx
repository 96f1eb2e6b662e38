import { useId, type ReactNode } from 'react';
import { Button } from '@/components/ui/button';
import { Form } from '@/components/ui/form';
import { Failure } from '@/components/ui/notice';
import { Sheet } from '@/components/ui/sheet';
import { capitalize } from '@/lib/format';

/** The parts of `useEditor` that every form needs. */
interface Editor {
  submit: () => Promise<void>;
  isSaving: boolean;
  formError: Error | null;
}

interface EditorFormProps {
  id?: string;
  label: string;
  /** What the form saves, as a noun with its article: `the rule`. */
  what: string;
  editor: Editor;
  className?: string;
  /** Below the error, such as a submit button. */
  actions?: ReactNode;
  children: ReactNode;
}

/** The fields of an editor, and the error that belongs to none of them. */
export function EditorForm({ what, editor, actions, children, ...form }: EditorFormProps) {
  return (
    <Form {...form} onSubmit={editor.submit}>
      {children}
      {editor.formError !== null && (
        <div ref={showAtEnd}>
          <Failure what={`${capitalize(what)} could not be saved`} error={editor.formError} />
        </div>
      )}
      {actions}
    </Form>
  );
}

/** Scrolls to what appears at the end of a form that may be longer than the screen. */
function showAtEnd(element: HTMLElement | null) {
  element?.scrollIntoView?.({ block: 'nearest' });
}

interface EditorSheetProps {
  title: string;
  description: string;
  /** What the sheet edits: `rule`. */
  noun: string;
  editor: Editor;
  onClose: () => void;
  children: ReactNode;
}

/** An editor in a sheet, with its Cancel and Save buttons. */
export function EditorSheet(props: EditorSheetProps) {
  const { title, description, noun, editor, onClose, children } = props;
  const formId = useId();
  return (
    <Sheet
      title={title}
      description={description}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="solid" type="submit" form={formId} disabled={editor.isSaving}>
            {editor.isSaving ? 'Saving…' : `Save ${noun}`}
          </Button>
        </>
      }
    >
      <EditorForm
        id={formId}
        label={capitalize(noun)}
        what={`the ${noun}`}
        editor={editor}
        className="flex flex-col gap-4"
      >
        {children}
      </EditorForm>
    </Sheet>
  );
}
