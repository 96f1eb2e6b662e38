import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { paths } from '@/config/paths';
import type { MappingPreview, SourceSettings } from '@/features/sources/api/wire';
import { postRawJson } from '@/lib/api-client';
import { useDebounced } from '@/lib/use-debounced';

/** What would become of a sample, once neither it nor the settings change; `sample` is JSON, or null for none. */
export function useMappingPreview(settings: SourceSettings, sample: string | null) {
  const body =
    sample === null ? null : `{"settings":${JSON.stringify(settings)},"sample":${sample}}`;
  const asked = useDebounced(body);
  const { data, error, isFetching, isPlaceholderData } = useQuery({
    queryKey: ['mapping-preview', asked],
    queryFn: ({ signal }) => postRawJson<MappingPreview>(paths.previewMapping, asked ?? '', signal),
    enabled: asked !== null,
    placeholderData: keepPreviousData,
    retry: false,
  });
  return { data, error, isFetching, isCurrent: asked === body && !isPlaceholderData };
}
