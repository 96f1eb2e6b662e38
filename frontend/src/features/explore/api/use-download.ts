import { useMutation } from '@tanstack/react-query';
import { access } from '@/lib/access';
import { getBlob } from '@/lib/api-client';

interface File {
  path: string;
  name: string;
}

/** Downloads a file with the access token, which a plain link cannot send. */
export function useDownload() {
  const save = useMutation({ mutationFn: download });
  return { ...save, isNeeded: () => access.token() !== null };
}

async function download({ path, name }: File): Promise<void> {
  const address = URL.createObjectURL(await getBlob(path));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // By the next task, the browser has started the download.
  setTimeout(() => URL.revokeObjectURL(address));
}
