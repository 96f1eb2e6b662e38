/** The logo: a breaking wave. */
export function WaveMark({ className = 'size-7' }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" className={className} fill="none" aria-hidden="true">
      <path
        d="M2.5 20.5c3.8 0 5.6-2.4 7.4-5.8C11.9 10.9 14 6.5 18.8 6.5c5 0 8.2 3.8 8.2 7.5 0 2.6-1.8 4.4-4 4.4-1.9 0-3.2-1.2-3.2-2.9"
        stroke="var(--brand)"
        strokeWidth="2.8"
        strokeLinecap="round"
      />
      <path
        d="M2.5 26c4.5 0 5.6-2.2 9-2.200s4.5 2.2 9 2.2 5.6-2.2 9-2.2"
        stroke="var(--negative)"
        strokeWidth="2.8"
        strokeLinecap="round"
      />
    </svg>
  );
}
