// The messages of the server, as `docs/live.md` describes them, and the data that the parts of the page share.
// Moments and durations are seconds.

export interface RunInfo {
  name: string;
  description: string | null;
  seed: string;
  clock: string;
  started_at: string | null;
  speed: number;
}

export interface World {
  size: [number, number];
  edges: 'wrap' | 'stop';
}

/** The names that typed commands can use in this run. */
export interface AvailableCommands {
  presets: string[];
  fetches: string[];
  ids: { id: string; stop: boolean; send: boolean }[];
}

export interface Counts {
  events: number;
  moves: number;
  steps: number;
  lines: number;
  requests: number;
  wrong: number;
  running: number;
  in_flight: number;
}

export interface Player {
  at: [number, number];
  direction: string | null;
  source: string | null;
  moves: number;
  t: number | null;
  is_gone: boolean;
}

export interface Lane {
  kind: 'spawn' | 'request' | 'load';
  label: string;
  entry: string | null;
  from: number;
  ready: number | null;
  /** None while it is open. */
  to: number | null;
  is_ok: boolean | null;
  end: string | null;
  /** Only a load has these: how many requests have ended, and how many of them went wrong. */
  done?: number;
  wrong?: number;
  /** Only a program that says it has this: its memory and processors, in words. */
  used?: string;
}

export type EntryState = 'waits' | 'running' | 'done' | 'failed' | 'skipped';
export interface Entry {
  /** Its place in the file, from 1. */
  n: number;
  name: string;
  does: string;
  at: number;
  after: string | null;
  every: string | null;
  times: number;
  state: EntryState;
}

export interface Line {
  t: number;
  kind: string;
  source: string | null;
  label: string | null;
  stream: string | null;
  text: string;
  is_wrong: boolean;
}

export interface Expectation {
  name: string;
  wanted: string | null;
  got: string | null;
  /** Whether it holds so far; none while it still can come to hold. */
  is_ok: boolean | null;
  is_final: boolean;
}

export interface RunEnd {
  outcome: string;
  reason: string | null;
  took: number;
}

/** How a log is played. */
export interface Playback {
  /** The last moment of the log, where it is known. */
  end: number | null;
  /** None is as fast as it can go. */
  speed: number | null;
  is_paused: boolean;
}

/** Everything there is to see. */
export interface Run {
  mode: 'run' | 'play';
  run: RunInfo;
  world: World | null;
  can: AvailableCommands;
  log: string | null;
  /** Which column, and how many moves, lines, requests and events were in it. */
  rates: [number, number, number, number, number][];
  t: number;
  is_going: boolean;
  players: Record<string, Player>;
  more_players: number;
  lanes: Record<string, Lane>;
  more_lanes: number;
  entries: Record<string, Entry>;
  lines: Line[];
  skipped: number;
  counts: Counts;
  expect: Expectation[];
  readers: number;
  dropped: number;
  end: RunEnd | null;
  play?: Playback;
}

/** Everything that is new: whole values by their keys. Null means that there is no such value any more. */
export type Change = Partial<Omit<Run, 'players' | 'lanes' | 'entries'>> & {
  players?: Record<string, Player | null>;
  lanes?: Record<string, Lane | null>;
  entries?: Record<string, Entry | null>;
};

/** The places of all players, from a line `world.state` of the log. */
export interface WorldState {
  players?: Record<string, [number, number]>;
}

/** How the stream stands. */
export type Link = 'connecting' | 'open' | 'lost' | 'slow' | 'ended' | 'again';

/** A part of the page that takes changes. */
export interface Part {
  take(change: Change, run: Run, isWhole: boolean): void;
}

/** A part of the page that draws in a frame. */
export interface Drawable {
  draw(now: number): void;
}

/** Why the server refused something. */
export interface Refusal {
  status: number;
  words: string;
}

/** A lane with its key and its texts as they are shown. */
export interface PackedLane {
  key: string;
  lane: Lane;
  label: string;
  shown: string;
}

/** A row of the timeline: lanes one after the other. */
export interface PackedRow {
  lanes: PackedLane[];
  label: string;
  note: string;
}

/** A player on the board. It slides from one place to the next. */
export interface BoardPlayer {
  name: string;
  shown: string;
  /** The number of its colour. */
  hue: number;
  /** The direction in which it stands aside, in radians. */
  angle: number;
  x: number;
  y: number;
  fromX: number;
  fromY: number;
  /** When it began to slide, in milliseconds of the page. */
  since: number;
  /** How far it stands aside, in cells. */
  aside: number;
  data: Player;
  /** On which side its name stands. */
  side?: number;
}

/** A piece of a trail, along one side. */
export interface Trail {
  fromX: number;
  fromY: number;
  x: number;
  y: number;
  hue: number;
  since: number;
}
