import { Exportable } from '@/components/export/exportable';
import { PanelExport } from '@/components/export/panel-export';
import type { AlertDetails, EvidencePoint } from '@/features/alerts/api/wire';
import { unitOf } from '@/features/alerts/rules/metrics';
import { localZone } from '@/lib/zone';

interface EvidenceExportProps {
  title: string;
  alert: AlertDetails;
  series: readonly EvidencePoint[];
}

/** Saves the figures that led to an alert. */
export function EvidenceExport({ title, alert, series }: EvidenceExportProps) {
  const [first, last] = [series[0], series.at(-1)];
  if (first === undefined || last === undefined) return null;
  const { dimension, key } = alert.scope;
  const scope = {
    ...{ from: first.at, to: last.at, zone: localZone(), span: '' },
    filters: dimension === 'overall' ? [] : [`${dimension} ${key}`],
  };
  const scale = unitOf(alert.metric) === 'percent' ? 100 : 1;
  const unit = scale === 100 ? ' (%)' : '';
  return (
    <Exportable scope={scope}>
      <PanelExport
        title={title}
        note={alert.title}
        exported={() => ({
          heads: ['Time', ...['Value', 'Expected', 'Low', 'High'].map((head) => head + unit)],
          rows: series.map(({ at, value, baseline, low, high }) => [
            at,
            ...[value, baseline, low, high].map((figure) => figure * scale),
          ]),
        })}
      />
    </Exportable>
  );
}
