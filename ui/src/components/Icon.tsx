/** Icons as paths on a 16 px grid, drawn with the text's colour. */

const paths = {
  inbox: "M2.5 9.5h3l1 2h3l1-2h3M3.5 3h9l1 6.5V13h-11V9.5z",
  send: "M2.5 8h6M2.5 2.8l11.5 5.2-11.5 5.2L4 8z",
  list: "M5.5 4h8M5.5 8h8M5.5 12h8M2.5 4h.01M2.5 8h.01M2.5 12h.01",
  queue: "M3 3h10v3H3zM3 8h10M3 10.5h10M3 13h7",
  shield: "M8 2l5 2v4c0 3-2.2 5-5 6-2.8-1-5-3-5-6V4zM8 5.5v3M8 10.8h.01",
  people: "M6 7.5a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4zM2 13c0-2.3 1.8-3.7 4-3.7s4 1.4 4 3.7M10.5 3.4a2.1 2.1 0 0 1 0 4M11.5 9.5c1.6.4 2.5 1.7 2.5 3.5",
  pulse: "M1.5 8.5h3l1.7-4.5 3 8.5 1.8-4h3.5",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.3 10.3l3.4 3.4",
  check: "M3 8.5l3.2 3.2L13 4.8",
  cross: "M4 4l8 8M12 4l-8 8",
  edit: "M3 13l.7-3L10.6 3.1a1.2 1.2 0 0 1 1.7 0l.6.6a1.2 1.2 0 0 1 0 1.7L6 12.3z",
  print: "M4.5 6V2.5h7V6M4.5 11h-2V6h11v5h-2M4.5 9.5h7v4h-7z",
  back: "M9.5 3.5L5 8l4.5 4.5",
  forward: "M6.5 3.5L11 8l-4.5 4.5",
  up: "M3.5 10L8 5.5l4.5 4.5",
  down: "M3.5 6L8 10.5 12.5 6",
  warning: "M8 2.5l6 11H2zM8 6.5v3.2M8 11.6h.01",
  info: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.3v3.6M8 5.1h.01",
  error: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.8V8l2.3 1.6",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3l7.5 5L5 13z",
  sync: "M13 7A5 5 0 0 0 4 4.8L2.8 6M3 9a5 5 0 0 0 9 2.2l1.2-1.2M2.8 3v3h3M13.2 13v-3h-3",
  moon: "M12.8 9.8A5.3 5.3 0 0 1 6.2 3.2a5.3 5.3 0 1 0 6.6 6.6z",
  sun: "M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6zM8 1.8v1M8 13.2v1M1.8 8h1M13.2 8h1M3.6 3.6l.7.7M11.7 11.7l.7.7M3.6 12.4l.7-.7M11.7 4.3l.7-.7",
  display: "M2 3h12v8H2zM6 13.5h4M8 11v2.5",
  command: "M5.5 5.5h5v5h-5zM5.5 5.5v-1.4a1.4 1.4 0 1 0-1.4 1.4zM10.5 5.5v-1.4a1.4 1.4 0 1 1 1.4 1.4zM5.5 10.5v1.4a1.4 1.4 0 1 1-1.4-1.4zM10.5 10.5v1.4a1.4 1.4 0 1 0 1.4-1.4z",
  keyboard: "M1.5 4h13v8h-13zM4 6.5h.01M6.5 6.5h.01M9 6.5h.01M11.8 6.5h.01M4 9.5h8",
  file: "M4 2h5l3 3v9H4zM9 2v3h3",
  hand: "M5.5 8V4a1 1 0 0 1 2 0v3M7.5 7V3a1 1 0 0 1 2 0v4M9.5 7V4a1 1 0 0 1 2 0v5c0 3-1.5 5-4 5-2 0-3-1-4-3L2.5 8.6c.7-.8 1.7-.5 2.2.3l.8 1.1",
  question: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM6.2 6.4a1.8 1.8 0 1 1 2.7 1.6c-.6.4-.9.7-.9 1.4M8 11.4h.01",
  copy: "M5.5 5.5h8v8h-8zM3.5 10.5h-1v-8h8v1",
  plus: "M8 3v10M3 8h10",
  split: "M3 8h3l3-4h4M6 8l3 4h4M11.5 2.5L13 4l-1.5 1.5M11.5 10.5L13 12l-1.5 1.5",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg
      className="icon"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.3"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={paths[name]} />
    </svg>
  );
}
