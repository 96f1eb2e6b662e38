import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { AppChartNotes } from '@/app/chart-notes';
import { router } from '@/app/router';
import { NotesContext, type ChartNotesProps } from '@/components/charts/notes';
import { queryClient } from '@/lib/query-client';

const drawNotes = (props: ChartNotesProps) => <AppChartNotes {...props} />;

/** The contexts of every page. */
export function Providers() {
  return (
    <QueryClientProvider client={queryClient}>
      <NotesContext value={drawNotes}>
        <RouterProvider router={router} />
      </NotesContext>
    </QueryClientProvider>
  );
}
