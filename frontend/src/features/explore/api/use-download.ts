import { useMutation } from '@tanstack/react-query';
import { access } from '@/lib/access';
import { getBlob } from '@/lib/api-client';

interface File {
  path: string;
  name: string;
}

/** Saves what the server answers, for where a link cannot: only a request of ours carries the access token. */
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
  // The browser has taken the file over by the next turn.
  setTimeout(() => URL.revokeObjectURL(address));
}
