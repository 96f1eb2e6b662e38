import type { Schemas } from '@/api/wire';
import { EditorSheet } from '@/components/ui/editor';
import { SelectField, TextField } from '@/components/ui/field';
import { Notice } from '@/components/ui/notice';
import { useSaveReport } from '@/features/reports/api/use-reports';
import { CADENCES, FILTERS, WEEKDAYS, type Report } from '@/features/reports/api/wire';
import { PreviewFrame } from '@/features/reports/components/preview-frame';
import { newDraft, readDraft, toDraft, type ReportDraft } from '@/features/reports/model/draft';
import { capitalize } from '@/lib/format';
import { useEditor } from '@/lib/use-editor';
import { listZones } from '@/lib/zone';

const FIELDS = [
  'name',
  'schedule.day',
  'schedule.hour',
  'schedule.tz',
  'notification_channel',
  ...FILTERS.map((field) => `filter.${field}`),
];

const optionsOf = <Value extends string>(values: readonly Value[]) =>
  values.map((value) => ({ value, text: capitalize(value) }));

interface ReportEditorProps {
  /** Null for a new report. */
  report: Report | null;
  /** The email channels. */
  channels: readonly Schemas['Channel'][];
  onClose: () => void;
}

/** The form for a report, with a preview of what it would have sent last. */
export function ReportEditor({ report, channels, onClose }: ReportEditorProps) {
  const editor = useEditor({
    initial: () => (report === null ? newDraft(channels[0]?.id ?? '') : toDraft(report)),
    read: readDraft,
    fields: FIELDS,
    mutation: useSaveReport(report?.id ?? null),
    onSaved: onClose,
  });
  const { draft, set, problemOf, value, problems } = editor;
  const isReadable = !Object.keys(problems).some((field) => field.startsWith('schedule.'));
  return (
    <EditorSheet
      title={report === null ? 'New report' : `Edit “${report.name}”`}
      description="Sent by email as HTML and PDF."
      noun="report"
      editor={editor}
      onClose={onClose}
    >
      <TextField
        label="Name"
        hint="The subject of the email."
        error={problemOf('name')}
        maxLength={100}
        value={draft.name}
        onChange={(name) => set({ name })}
      />
      <ScheduleFields draft={draft} problemOf={problemOf} onChange={set} />
      {channels.length === 0 ? (
        <Notice tone="warning">
          There is no email channel yet. Create one on the Alerts page, under Notification channels.
        </Notice>
      ) : (
        <SelectField
          label="Send to"
          hint="An email channel from the Alerts page."
          error={problemOf('notification_channel')}
          value={draft.channel}
          options={channels.map(({ id, name }) => ({ value: id, text: name }))}
          onChange={(channel) => set({ channel })}
        />
      )}
      <fieldset className="grid gap-3 sm:grid-cols-2">
        <legend className="mb-1 text-sm font-medium">Posts to cover</legend>
        {FILTERS.map((field) => (
          <TextField
            key={field}
            label={capitalize(field)}
            placeholder="Any"
            error={problemOf(`filter.${field}`)}
            maxLength={256}
            value={draft.filter[field]}
            onChange={(text) => set({ filter: { ...draft.filter, [field]: text } })}
          />
        ))}
      </fieldset>
      <PreviewFrame
        draft={
          isReadable
            ? {
                name: value.name || 'Preview',
                schedule: value.schedule,
                filter: value.filter ?? {},
              }
            : null
        }
      />
    </EditorSheet>
  );
}

interface ScheduleFieldsProps {
  draft: ReportDraft;
  problemOf: (field: string) => string | null;
  onChange: (changes: Partial<ReportDraft>) => void;
}

function ScheduleFields({ draft, problemOf, onChange }: ScheduleFieldsProps) {
  return (
    <div className="grid gap-3 sm:grid-cols-2">
      <SelectField
        label="Repeat"
        value={draft.cadence}
        options={optionsOf(CADENCES)}
        onChange={(cadence) => onChange({ cadence })}
      />
      {draft.cadence === 'weekly' && (
        <SelectField
          label="Weekday"
          value={draft.weekday}
          options={optionsOf(WEEKDAYS)}
          onChange={(weekday) => onChange({ weekday })}
        />
      )}
      {draft.cadence === 'monthly' && (
        <TextField
          label="Day of the month"
          hint="Shorter months use their last day."
          error={problemOf('schedule.day')}
          inputMode="numeric"
          value={draft.day}
          onChange={(day) => onChange({ day })}
        />
      )}
      <TextField
        label="Time"
        error={problemOf('schedule.hour')}
        type="time"
        value={draft.time}
        onChange={(time) => onChange({ time })}
      />
      <SelectField
        label="Time zone"
        error={problemOf('schedule.tz')}
        value={draft.tz}
        options={listZones(draft.tz).map((zone) => ({ value: zone, text: zone }))}
        onChange={(tz) => onChange({ tz })}
      />
    </div>
  );
}
