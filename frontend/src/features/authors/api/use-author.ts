import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { Schemas } from '@/api/wire';
import { paths } from '@/config/paths';
import { toApi, type AuthorQuery } from '@/features/authors/model/query';
import { getJson } from '@/lib/api-client';

export type AuthorProfile = Schemas['AuthorProfile'];
export type AuthorStep = Schemas['AuthorPoint'];

/** What one author posted in a period. */
export function useAuthor(query: AuthorQuery) {
  const { platform, author } = query;
  const asked = toApi(query);
  return useQuery({
    queryKey: ['author', platform, author, asked],
    queryFn: ({ signal }) =>
      getJson<AuthorProfile>(paths.author({ platform, author }), asked, signal),
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });
}
