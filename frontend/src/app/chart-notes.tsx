import { lazy, Suspense, useCallback, useMemo, useState } from 'react';
import type { Alert, Peak } from '@/api/wire';
import type { ChartNotesProps, Period } from '@/components/charts/notes';
import type { VolumeMark } from '@/components/charts/volume-scene';
import { Allowed } from '@/components/ui/allowed';
import { Button } from '@/components/ui/button';
import { useAlertsWithin } from '@/features/alerts/api/use-alerts-within';
import {
  useAnnotations,
  useDeleteAnnotation,
  type Annotation,
} from '@/features/annotations/api/use-annotations';
import { AnnotationList } from '@/features/annotations/components/annotation-list';
import { PeakList } from '@/features/explain/components/peak-list';
import { describePeak } from '@/features/explain/model/describe';
import { formatRange, formatterOf } from '@/lib/time';
import { localZone } from '@/lib/zone';
import { useLive } from '@/live/store';

/** Loaded on demand, since few visits use them. */
const ExplainSheet = lazy(async () => {
  const { ExplainSheet } = await import('@/features/explain/components/explain-sheet');
  return { default: ExplainSheet };
});
const AnnotationEditor = lazy(async () => {
  const { AnnotationEditor } = await import('@/features/annotations/components/annotation-editor');
  return { default: AnnotationEditor };
});

/** What is open over the chart. */
type Opened =
  | { kind: 'explanation'; period: Period }
  | { kind: 'annotation'; edited: Annotation | { from: string; to: string | null } };

/** The peaks, alerts and annotations of a chart over time, and what explains and edits them. */
export function AppChartNotes({ range, filters, zone, children, ...props }: ChartNotesProps) {
  const peaks = props.peaks ?? NO_PEAKS;
  const [opened, setOpened] = useState<Opened | null>(null);
  const [span, setSpan] = useState<Period | null>(null);
  const remove = useDeleteAnnotation();
  const pushed = useLive((live) => live.alerts);
  const product = onlyOf(filters.product);
  const annotations = useAnnotations(range, product);
  const alerts = useAlertsWithin(range, pushed);
  const marks = useMemo(
    () =>
      marksOf({ peaks, annotations, alerts: alerts.filter((alert) => isAbout(alert, product)) }),
    [peaks, annotations, alerts, product],
  );
  const onPeak = useCallback(
    (step: Period) => {
      const peak = peaks.find(({ from, to }) => from <= step.from && step.from < to);
      if (peak !== undefined) setOpened({ kind: 'explanation', period: peak });
      return peak !== undefined;
    },
    [peaks],
  );
  const seconds = (Date.parse(range.to) - Date.parse(range.from)) / 1_000;
  const formatTime = formatterOf({ seconds, stepSeconds: 60, ...(zone && { zone }) });
  const close = () => setOpened(null);
  const explain = ({ from, to }: Period) =>
    setOpened({ kind: 'explanation', period: { from, to } });
  const annotate = ({ from, to }: { from: string; to: string | null }) =>
    setOpened({ kind: 'annotation', edited: { from, to } });
  const list = (
    <div className="pt-1.5">
      <div className="thin-scroll flex items-center gap-1.5 overflow-x-auto pb-1">
        {props.peaks !== null && (
          <PeakList peaks={peaks} formatTime={formatTime} onExplain={explain} />
        )}
        <AnnotationList
          annotations={annotations}
          formatTime={formatTime}
          onEdit={(edited) => setOpened({ kind: 'annotation', edited })}
        />
        <span className="ml-auto flex shrink-0 gap-1.5">
          <Button className={SMALL} onClick={() => explain(range)}>
            Explain period
          </Button>
          <Allowed to="create_annotation">
            <Button
              className={SMALL}
              onClick={() => annotate({ from: lastSecondOf(range), to: null })}
            >
              Add annotation
            </Button>
          </Allowed>
        </span>
      </div>
      <div role="status" className="flex flex-wrap items-center gap-1.5 text-xs text-ink-soft">
        {span !== null && (
          <>
            <span>Selected {formatRange(span.from, span.to, zone ?? localZone())}</span>
            <Button className={SMALL} onClick={() => explain(span)}>
              Explain selection
            </Button>
            <Allowed to="create_annotation">
              <Button className={SMALL} onClick={() => annotate(span)}>
                Annotate selection
              </Button>
            </Allowed>
            <Button className={SMALL} look="quiet" onClick={() => setSpan(null)}>
              Clear
            </Button>
          </>
        )}
        {remove.isSuccess && <Deleted deleted={remove.variables} onUndo={remove.mutate} />}
        {remove.isError && 'The annotation could not be changed. Try again.'}
      </div>
    </div>
  );
  return (
    <>
      {children({ marks, list, onPeak, onSpan: setSpan })}
      <Suspense>
        {opened?.kind === 'explanation' && (
          <ExplainSheet
            period={opened.period}
            filters={filters}
            {...(zone !== undefined && { zone })}
            onClose={close}
          />
        )}
        {opened?.kind === 'annotation' && (
          <AnnotationEditor
            edited={'id' in opened.edited ? opened.edited : { ...opened.edited, product }}
            zone={zone ?? localZone()}
            onDelete={(annotation) => {
              close();
              remove.mutate({ annotation });
            }}
            onClose={close}
          />
        )}
      </Suspense>
    </>
  );
}

/** One array for every render, so that the chart is not drawn anew. */
const NO_PEAKS: readonly Peak[] = [];

const SMALL = 'h-7! px-2! text-xs!';

interface DeletedProps {
  deleted: { annotation: Annotation; undo?: boolean };
  onUndo: (restored: { annotation: Annotation; undo: true }) => void;
}

function Deleted({ deleted: { annotation, undo }, onUndo }: DeletedProps) {
  if (undo) return <span>Restored “{annotation.text}”.</span>;
  return (
    <>
      <span>Deleted “{annotation.text}”.</span>
      <Button className={SMALL} look="quiet" onClick={() => onUndo({ annotation, undo: true })}>
        Undo
      </Button>
    </>
  );
}

interface Noted {
  peaks: readonly Peak[];
  annotations: readonly Annotation[];
  alerts: readonly Alert[];
}

function marksOf({ peaks, annotations, alerts }: Noted): VolumeMark[] {
  return [
    ...annotations.map(({ starts_at: at, ends_at, text }): VolumeMark => ({
      ...{ kind: 'annotation', at, text },
      to: ends_at ?? undefined,
    })),
    ...alerts.map(({ opened_at: at, title: text }): VolumeMark => ({ kind: 'alert', at, text })),
    ...peaks.map((peak): VolumeMark => ({ kind: 'peak', at: peak.at, text: describePeak(peak) })),
  ];
}

/** Whether an alert may concern the posts of a chart about this product. */
function isAbout({ scope }: Alert, product: string | undefined): boolean {
  return product === undefined || scope.dimension !== 'product' || scope.key === product;
}

/** The value of a filter that has exactly one; the empty one stands for posts about no product. */
function onlyOf(value: ChartNotesProps['filters'][string]): string | undefined {
  const [only, ...others] = [value].flat();
  return typeof only === 'string' && only !== '' && others.length === 0 ? only : undefined;
}

/** Returns the last second of a range. Its end is no longer on the chart. */
function lastSecondOf({ to }: { to: string }): string {
  return new Date(Date.parse(to) - 1_000).toISOString();
}
