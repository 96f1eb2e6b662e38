import { useMutation } from '@tanstack/react-query';
import { access } from '@/lib/access';
import { getBlob } from '@/lib/api-client';
import { saveFile } from '@/lib/save-file';

interface File {
  path: string;
  name: string;
}

/** Downloads a file with the access token, which a plain link cannot send. */
export function useDownload() {
  const save = useMutation({
    mutationFn: async ({ path, name }: File) => saveFile(await getBlob(path), name),
  });
  return { ...save, isNeeded: () => access.token() !== null };
}
