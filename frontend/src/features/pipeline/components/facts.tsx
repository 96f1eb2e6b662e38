/** A name and its value, within a `dl`. */
export function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div className="flex items-baseline justify-between gap-4">
      <dt className="text-sm text-ink-soft first-letter:uppercase">{name}</dt>
      <dd className="min-w-0 text-right font-semibold wrap-anywhere">{value}</dd>
    </div>
  );
}
