import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { Schemas } from '@/api/wire';
import { paths } from '@/config/paths';
import { CHANNELS_KEY } from '@/config/query-keys';
import type {
  NewReport,
  Report,
  ReportPreview,
  ReportRun,
  Reports,
} from '@/features/reports/api/wire';
import { getBlob, getJson, postForText, sendJson } from '@/lib/api-client';
import { saveFile } from '@/lib/save-file';
import { useDebounced } from '@/lib/use-debounced';

const REPORTS_KEY = ['reports'];

/** Other people may change the list. */
const REFRESH_EVERY_MS = 30_000;

/** A report that is being sent arrives within seconds. */
const REFRESH_PENDING_MS = 2_000;

const isPending = (run: ReportRun | null | undefined) => run?.state === 'pending';

export function useReports() {
  return useQuery({
    queryKey: REPORTS_KEY,
    queryFn: ({ signal }) => getJson<Reports>(paths.reports, {}, signal),
    refetchInterval: ({ state }) =>
      state.data?.items.some(({ last_run }) => isPending(last_run))
        ? REFRESH_PENDING_MS
        : REFRESH_EVERY_MS,
  });
}

/** The email channels, through which reports are sent. */
export function useEmailChannels() {
  return useQuery({
    queryKey: CHANNELS_KEY,
    queryFn: ({ signal }) => getJson<{ items: Schemas['Channel'][] }>(paths.channels, {}, signal),
    select: ({ items }) => items.filter(({ kind }) => kind === 'email'),
  });
}

/** Creates a report if `id` is null, otherwise replaces it. */
export function useSaveReport(id: string | null) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: NewReport) =>
      id === null
        ? sendJson<Report>('POST', paths.reports, body)
        : sendJson<Report>('PUT', paths.report(id), body),
    onSuccess: () => client.invalidateQueries({ queryKey: REPORTS_KEY }),
  });
}

export function useDeleteReport() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => sendJson<unknown>('DELETE', paths.report(id)),
    onSuccess: () => client.invalidateQueries({ queryKey: REPORTS_KEY }),
  });
}

export function useSendReport() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => sendJson<ReportRun>('POST', paths.sendReport(id)),
    onSettled: () => client.invalidateQueries({ queryKey: REPORTS_KEY }),
  });
}

/** The runs of a report, newest first. */
export function useRuns(report: string) {
  return useQuery({
    queryKey: [...REPORTS_KEY, report, 'runs'],
    queryFn: ({ signal }) => getJson<{ items: ReportRun[] }>(paths.reportRuns(report), {}, signal),
    select: ({ items }) => items,
    refetchInterval: ({ state }) =>
      state.data?.items.some(isPending) ? REFRESH_PENDING_MS : REFRESH_EVERY_MS,
  });
}

/** Saves the document of a run. */
export function useSaveRun() {
  return useMutation({
    mutationFn: async ({ run, format }: { run: string; format: 'html' | 'pdf' }) =>
      saveFile(await getBlob(paths.reportRun(run, format)), `report-${run}.${format}`),
  });
}

/** The HTML of a draft; null while the draft is invalid. */
export function useReportPreview(draft: ReportPreview | null) {
  const asked = useDebounced(draft === null ? null : JSON.stringify(draft));
  return useQuery({
    queryKey: [...REPORTS_KEY, 'preview', asked],
    queryFn: ({ signal }) => postForText(paths.previewReport, JSON.parse(asked ?? 'null'), signal),
    enabled: asked !== null,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    retry: false,
  });
}
