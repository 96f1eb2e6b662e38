import type { ReactNode } from 'react';

interface IconProps {
  className?: string;
}

/** A decorative 16-pixel line icon; controls are named by their text or label. */
function Icon({ className = 'size-4', children }: IconProps & { children: ReactNode }) {
  return (
    <svg
      viewBox="0 0 16 16"
      className={className}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

export const PauseIcon = (props: IconProps) => (
  <Icon {...props}>
    <path d="M5.5 3.500v9M10.5 3.500v9" strokeWidth="2" />
  </Icon>
);

export const PlayIcon = (props: IconProps) => (
  <Icon {...props}>
    <path d="M5 3.200v9.600L12.5 8z" fill="currentColor" />
  </Icon>
);

export const SunIcon = (props: IconProps) => (
  <Icon {...props}>
    <circle cx="8" cy="8" r="2.8" />
    <path d="M8 1.500v1.200M8 13.300v1.200M1.5 8h1.200M13.3 8h1.200M3.4 3.400l.9.9M11.7 11.700l.9.9M12.6 3.400l-.9.9M4.3 11.700l-.9.9" />
  </Icon>
);

export const MoonIcon = (props: IconProps) => (
  <Icon {...props}>
    <path d="M13.2 9.600A5.6 5.6 0 0 1 6.4 2.800a5.6 5.6 0 1 0 6.8 6.800z" />
  </Icon>
);

export const InboxIcon = (props: IconProps) => (
  <Icon {...props}>
    <path d="M2 9.500h3.200l1 1.800h3.600l1-1.800H14M2 9.500l2-6h8l2 6v3.500H2z" />
  </Icon>
);

export const PersonIcon = (props: IconProps) => (
  <Icon {...props}>
    <circle cx="8" cy="5.4" r="2.7" />
    <path d="M2.8 13.500c.5-2.700 2.600-4.200 5.2-4.200s4.7 1.500 5.2 4.200" />
  </Icon>
);

export const TableIcon = (props: IconProps) => (
  <Icon {...props}>
    <rect x="2" y="3" width="12" height="10" rx="1.5" />
    <path d="M2 6.500h12M6.5 6.500V13" />
  </Icon>
);

export const ChartIcon = (props: IconProps) => (
  <Icon {...props}>
    <path d="M2.5 2.500v11h11M5.5 10.500v-3M8.5 10.500v-6M11.5 10.500v-4" />
  </Icon>
);

export const CloseIcon = (props: IconProps) => (
  <Icon {...props}>
    <path d="M4 4l8 8M12 4l-8 8" />
  </Icon>
);

export const CheckIcon = (props: IconProps) => (
  <Icon {...props}>
    <path d="M3 8.500l3.2 3.200L13 4.8" />
  </Icon>
);

export const ChevronIcon = (props: IconProps) => (
  <Icon {...props}>
    <path d="M4 6l4 4 4-4" />
  </Icon>
);

export const CopyIcon = (props: IconProps) => (
  <Icon {...props}>
    <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
    <path d="M10.5 3H4a1.5 1.5 0 0 0-1.5 1.500v6" />
  </Icon>
);

export const DownloadIcon = (props: IconProps) => (
  <Icon {...props}>
    <path d="M8 2.500v7.500M4.800 7L8 10.200 11.200 7M2.500 13.200h11" />
  </Icon>
);

export const AlertIcon = (props: IconProps) => (
  <Icon {...props}>
    <path d="M8 2.200l6.2 11H1.800z" />
    <path d="M8 6.500v3M8 11.400v.1" />
  </Icon>
);

export const PulseIcon = (props: IconProps) => (
  <Icon {...props}>
    <path d="M1.5 8.500h2.700l1.900-5 3.200 9 2-4h3.200" />
  </Icon>
);

export const SearchIcon = (props: IconProps) => (
  <Icon {...props}>
    <circle cx="7" cy="7" r="4.300" />
    <path d="M10.3 10.300l3.700 3.700" />
  </Icon>
);

export const BellIcon = (props: IconProps) => (
  <Icon {...props}>
    <path d="M8 2a4 4 0 0 0-4 4c0 3.500-1.5 4.500-1.500 5.500h11c0-1-1.5-2-1.500-5.500a4 4 0 0 0-4-4z" />
    <path d="M6.700 13.700a1.400 1.400 0 0 0 2.600 0" />
  </Icon>
);

export const MailIcon = (props: IconProps) => (
  <Icon {...props}>
    <rect x="2" y="3.500" width="12" height="9" rx="1" />
    <path d="m2.500 4.500 5.500 4.500 5.500-4.500" />
  </Icon>
);

export const TagIcon = (props: IconProps) => (
  <Icon {...props}>
    <path d="M2.500 2.500h5l6 6-5 5-6-6zM5.300 5.300v.1" />
  </Icon>
);

export const AntennaIcon = (props: IconProps) => (
  <Icon {...props}>
    <path d="M8 7.500V14M5.200 9.800a4 4 0 0 1 0-5.600M10.800 4.200a4 4 0 0 1 0 5.600M3.200 11.800a6.800 6.800 0 0 1 0-9.600M12.800 2.200a6.800 6.800 0 0 1 0 9.600" />
    <circle cx="8" cy="7" r="1" fill="currentColor" />
  </Icon>
);

export const StackIcon = (props: IconProps) => (
  <Icon {...props}>
    <path d="M8 2l6 3-6 3-6-3z" />
    <path d="M2 8l6 3 6-3M2 11l6 3 6-3" />
  </Icon>
);

export const GripIcon = (props: IconProps) => (
  <Icon {...props}>
    <path d="M6 4v.1M10 4v.1M6 8v.1M10 8v.1M6 12v.1M10 12v.1" strokeWidth="2" />
  </Icon>
);

export const ResizeIcon = (props: IconProps) => (
  <Icon {...props}>
    <path d="M13 6l-7 7M13 10.500l-2.500 2.500" />
  </Icon>
);
