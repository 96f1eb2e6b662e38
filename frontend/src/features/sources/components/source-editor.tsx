import { SOURCE_NETWORKS } from '@/api/enums.generated';
import { EditorSheet } from '@/components/ui/editor';
import { SelectField, TextField } from '@/components/ui/field';
import { useSaveSource } from '@/features/sources/api/use-sources';
import type { RevealedSource, Source } from '@/features/sources/api/wire';
import { AppFields } from '@/features/sources/components/app-fields';
import { MastodonFields } from '@/features/sources/components/mastodon-fields';
import { QueriesField } from '@/features/sources/components/queries-field';
import { TokenField } from '@/features/sources/components/token-field';
import { WebhookFields } from '@/features/sources/components/webhook-fields';
import { XFields } from '@/features/sources/components/x-fields';
import { hasApps, hasTokens, networkHint, networkName } from '@/features/sources/model/describe';
import { NEW_DRAFT, readDraft, toDraft } from '@/features/sources/model/draft';
import { MAPPED_FIELDS } from '@/features/sources/model/mapping';
import { useEditor } from '@/lib/use-editor';

const FIELDS = [
  ...['network', 'name', 'base_url', 'url', 'tags', 'mapping', 'items', 'platform'],
  ...['queries', 'subreddits', 'usd_per_month'],
  ...['credentials.token', 'credentials.client_id', 'credentials.client_secret'],
  ...MAPPED_FIELDS.map(({ path }) => `mapping.${path}`),
];

const NETWORK_OPTIONS = SOURCE_NETWORKS.map((value) => ({ value, text: networkName(value) }));

/** The server's limits, in characters. */
const NAME_MAX = 100;
const BASE_URL_MAX = 512;
const FEED_URL_MAX = 2_048;

const PERMISSION =
  'Plain http and private addresses need the operator’s permission (--egress-allow).';

/** What happens once it is saved. */
const DESCRIPTIONS = {
  heard: (source: Source | null) =>
    source === null
      ? 'It starts within seconds.'
      : 'It is started again with the changes, and continues from where it is.',
  webhook: (source: Source | null) =>
    source === null
      ? 'It accepts deliveries immediately. Its address and secret are shown next.'
      : 'The changes apply from the next delivery on.',
};

interface SourceEditorProps {
  /** Null for a new source. */
  source: Source | null;
  onClose: () => void;
  /** The source has been saved. */
  onSaved: (source: RevealedSource) => void;
}

/** The form for a source: its network, name and settings. */
export function SourceEditor({ source, onClose, onSaved }: SourceEditorProps) {
  const editor = useEditor({
    initial: () => (source === null ? NEW_DRAFT : toDraft(source)),
    read: readDraft,
    fields: FIELDS,
    mutation: useSaveSource(source?.id ?? null),
    onSaved,
  });
  const { draft, set, problemOf } = editor;
  return (
    <EditorSheet
      title={source === null ? 'Add source' : `Edit “${source.name}”`}
      description={
        draft.network === 'webhook' ? DESCRIPTIONS.webhook(source) : DESCRIPTIONS.heard(source)
      }
      noun="source"
      editor={editor}
      onClose={onClose}
    >
      {/* The network of a source cannot be changed. */}
      {source === null && (
        <SelectField
          label="Network"
          hint={networkHint(draft.network)}
          error={problemOf('network')}
          value={draft.network}
          options={NETWORK_OPTIONS}
          onChange={(network) => set({ network })}
        />
      )}
      <TextField
        label="Name"
        hint="Distinguishes it from your other sources."
        error={problemOf('name')}
        maxLength={NAME_MAX}
        value={draft.name}
        onChange={(name) => set({ name })}
      />
      {draft.network === 'bluesky' && (
        <TextField
          label="Address of the host (optional)"
          hint={`Leave empty for the network’s own. ${PERMISSION}`}
          error={problemOf('base_url')}
          type="url"
          placeholder="https://"
          maxLength={BASE_URL_MAX}
          value={draft.baseUrl}
          onChange={(baseUrl) => set({ baseUrl })}
        />
      )}
      {draft.network === 'feed' && (
        <TextField
          label="Address of the feed"
          hint={PERMISSION}
          error={problemOf('url')}
          type="url"
          placeholder="https://"
          maxLength={FEED_URL_MAX}
          value={draft.feedUrl}
          onChange={(feedUrl) => set({ feedUrl })}
        />
      )}
      {draft.network === 'mastodon' && (
        <MastodonFields draft={draft} set={set} problemOf={problemOf} />
      )}
      {draft.network === 'reddit' && (
        <TextField
          label="Subreddits"
          hint="1 to 25, such as: nimbrel, sneakers. Topics filter what is written in them."
          error={problemOf('subreddits')}
          value={draft.subreddits}
          onChange={(subreddits) => set({ subreddits })}
        />
      )}
      {draft.network === 'x' && <XFields draft={draft} set={set} problemOf={problemOf} />}
      {draft.network === 'youtube' && (
        <QueriesField
          draft={draft}
          hint="One a line, up to 5. Use | for “or” and - for “not”. Google grants 100 searches a day, so more queries are searched for more rarely."
          set={set}
          problemOf={problemOf}
        />
      )}
      {hasTokens(draft.network) && (
        <TokenField
          draft={draft}
          hasToken={source?.has_credentials ?? false}
          set={set}
          problemOf={problemOf}
        />
      )}
      {hasApps(draft.network) && (
        <AppFields
          draft={draft}
          hasApp={source?.has_credentials ?? false}
          set={set}
          problemOf={problemOf}
        />
      )}
      {draft.network === 'webhook' && (
        <WebhookFields draft={draft} set={set} problemOf={problemOf} />
      )}
    </EditorSheet>
  );
}
