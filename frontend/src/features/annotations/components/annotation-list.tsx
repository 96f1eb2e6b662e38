import { Button } from '@/components/ui/button';
import type { Annotation } from '@/features/annotations/api/use-annotations';

interface AnnotationListProps {
  annotations: readonly Annotation[];
  formatTime: (at: string) => string;
  onEdit: (annotation: Annotation) => void;
}

/** The annotations of a chart, as buttons that open them. */
export function AnnotationList({ annotations, formatTime, onEdit }: AnnotationListProps) {
  if (annotations.length === 0) return null;
  return (
    <ul aria-label="Annotations" className="flex shrink-0 gap-1.5">
      {annotations.map((annotation) => (
        <li key={annotation.id}>
          <Button
            className="h-7! px-2! text-xs!"
            title={annotation.text}
            onClick={() => onEdit(annotation)}
          >
            <span aria-hidden="true" className="text-brand">
              ▲
            </span>
            <span className="sr-only">Edit the annotation at</span>
            {formatTime(annotation.starts_at)}
            <span className="max-w-48 truncate font-normal text-ink-soft">{annotation.text}</span>
          </Button>
        </li>
      ))}
    </ul>
  );
}
