import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { EditorSheet } from '@/components/ui/editor';
import { TextField } from '@/components/ui/field';
import {
  useSaveAnnotation,
  type Annotation,
  type NewAnnotation,
} from '@/features/annotations/api/use-annotations';
import { draftFor, draftOf, readDraft, TEXT_MAX } from '@/features/annotations/model/draft';
import { formatDate } from '@/lib/format';
import { describeRecorded } from '@/lib/identity-names';
import { useEditor } from '@/lib/use-editor';

export interface AnnotationEditorProps {
  /** The annotation to change, or the time of a new one; `to` is null for a point in time. */
  edited: Annotation | { from: string; to: string | null; product: string | undefined };
  zone: string;
  onDelete: (annotation: Annotation) => void;
  onClose: () => void;
}

const FIELDS = ['text', 'starts_at', 'ends_at', 'product'];

/** Adds, changes or deletes an annotation. */
export function AnnotationEditor({ edited, zone, onDelete, onClose }: AnnotationEditorProps) {
  const [known] = useState(edited);
  const annotation = 'id' in known ? known : null;
  const editor = useEditor({
    initial: () => ('id' in known ? draftOf(known, zone) : draftFor(known, zone)),
    read: (draft) => readDraft(draft, zone),
    fields: FIELDS,
    mutation: useSaveAnnotation(annotation?.id ?? null),
    onSaved: onClose satisfies (answer: Annotation, value: NewAnnotation) => void,
  });
  const { draft, set, problemOf } = editor;
  return (
    <EditorSheet
      title={annotation === null ? 'Add annotation' : 'Annotation'}
      description={
        annotation === null
          ? 'Everyone sees it on every chart over this time.'
          : describeOrigin(annotation)
      }
      noun="annotation"
      editor={editor}
      onClose={onClose}
    >
      <TextField
        label="What happened"
        hint="Such as a launch, a campaign or an outage"
        error={problemOf('text')}
        maxLength={TEXT_MAX}
        value={draft.text}
        onChange={(text) => set({ text })}
      />
      <TextField
        label="From"
        error={problemOf('starts_at')}
        type="datetime-local"
        step={1}
        value={draft.from}
        onChange={(from) => set({ from })}
      />
      <TextField
        label="To"
        hint={`Leave empty for a point in time. Time zone: ${zone}`}
        error={problemOf('ends_at')}
        type="datetime-local"
        step={1}
        value={draft.to}
        onChange={(to) => set({ to })}
      />
      <TextField
        label="Product"
        hint="Leave empty if it concerns all posts"
        error={problemOf('product')}
        value={draft.product}
        onChange={(product) => set({ product })}
      />
      {annotation !== null && (
        <Button className="self-start" onClick={() => onDelete(annotation)}>
          Delete annotation
        </Button>
      )}
    </EditorSheet>
  );
}

function describeOrigin({ created_by, created_at }: Annotation): string {
  return `Added ${created_by ? `by ${describeRecorded(created_by)}, ` : ''}${formatDate(created_at)}`;
}
