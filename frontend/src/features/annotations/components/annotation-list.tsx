import { Button } from '@/components/ui/button';
import type { Annotation } from '@/features/annotations/api/use-annotations';
import { useMay } from '@/lib/me';

interface AnnotationListProps {
  annotations: readonly Annotation[];
  formatTime: (at: string) => string;
  onEdit: (annotation: Annotation) => void;
}

/** The annotations of a chart, for those who may change them as buttons that open them. */
export function AnnotationList({ annotations, formatTime, onEdit }: AnnotationListProps) {
  const mayEdit = useMay()('update_annotation');
  if (annotations.length === 0) return null;
  return (
    <ul aria-label="Annotations" className="flex shrink-0 gap-1.5">
      {annotations.map((annotation) => (
        <li key={annotation.id}>
          {mayEdit ? (
            <Button
              className="h-7! px-2! text-xs!"
              title={annotation.text}
              onClick={() => onEdit(annotation)}
            >
              <span className="sr-only">Edit the annotation at</span>
              <Summary annotation={annotation} formatTime={formatTime} />
            </Button>
          ) : (
            <p
              className="flex h-7 items-center gap-1.5 px-2 text-xs font-medium"
              title={annotation.text}
            >
              <Summary annotation={annotation} formatTime={formatTime} />
            </p>
          )}
        </li>
      ))}
    </ul>
  );
}

interface SummaryProps {
  annotation: Annotation;
  formatTime: (at: string) => string;
}

function Summary({ annotation: { starts_at, text }, formatTime }: SummaryProps) {
  return (
    <>
      <span aria-hidden="true" className="text-brand">
        ▲
      </span>
      {formatTime(starts_at)}
      <span className="max-w-48 truncate font-normal text-ink-soft">{text}</span>
    </>
  );
}
