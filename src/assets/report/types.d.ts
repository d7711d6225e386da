// The data of a report's page: as the program writes it (`Raw…`), and as it is once it is read.
// Times are nanoseconds from the start of the run.

/** Moments and lines of the log as distances, each to the one before; texts by their place in the list of texts. */
export interface RawPoints {
  /** One of this many is here. */
  every: number;
  t: number[];
  line: number[];
  /** A letter for each point: see `PointKind`. */
  kind: string;
  text: number[];
}

/** Pairs: how many columns are empty, and the count of the next one. */
export type RawCounts = number[];

export interface RawLane {
  group: number;
  source?: string;
  start?: number;
  mid?: number;
  end?: number;
  state?: LaneState;
  words?: string;
  line?: number;
  moves?: RawPoints;
  lines?: RawPoints;
  events?: { columns: number; counts: RawCounts };
}

export interface RawGroup {
  kind: SourceKind;
  of: string;
  entry?: string;
  count: number;
  wrong: number;
  starts: RawCounts;
  ends: RawCounts;
  wrongs: RawCounts;
}

export interface RawTimeline {
  end: number;
  columns: number;
  groups: RawGroup[];
  lanes: RawLane[];
  /** Moment, line of the log, kind and text. */
  marks: [number, number, MarkKind, string][];
  ticks: number[];
  /** From a lane and moment to a lane and moment. The timeline's own row is lane -1. */
  arrows: [number, number, number, number][];
  texts: string[];
  /** Faults that the run itself caused: start, end, line of the log and text. */
  bands?: [number, number, number, string][];
}

export type SourceKind = 'spawn' | 'fetch';
export type LaneState = 'ok' | 'wrong' | 'open';
/** A move, a step, a line on standard output, on standard error or of a body, suspended, resumed. */
export type PointKind = 'm' | 'w' | 'o' | 'e' | 'f' | 's' | 'r';
/** A mark, typed, sent, a stop, a pause, a change of a link, an expectation that held, something that went wrong. */
export type MarkKind = 'k' | 'n' | 'i' | 't' | 'q' | 'p' | 'l' | 'h' | 'x';

/** Something at one moment: on a lane, or on the timeline's own row. */
export interface Point {
  t: number;
  /** Its line in the log. */
  line: number;
  kind: PointKind | MarkKind;
  text: string;
}

/** A source from its start to its end. */
export interface LaneBar {
  source: string;
  start: number;
  /** When it was ready or answered. */
  mid?: number;
  end?: number;
  state: LaneState;
  words: string;
  line: number;
}

export interface Lane {
  of: Group;
  label: string;
  /** The one source of the lane; none where the rest of a group is gathered. */
  bar: LaneBar | null;
  /** In the order of time. */
  points: Point[];
  /** One of this many points is here. */
  every: number;
  /** How many points there were in each column, where not all of them are here. */
  counts: number[] | null;
  most: number;
}

/** The spawns or requests that one entry started of one preset or job. */
export interface Group {
  kind: SourceKind;
  label: string;
  count: number;
  wrong: number;
  wrongs: number[];
  /** How many ran at once in each column, and the most of these. */
  ran: number[];
  most: number;
  lanes: Lane[];
  isFolded: boolean;
  /** It has one lane, which has no row of the group above it. */
  isSingle: boolean;
}

export interface Arrow {
  /** None is the timeline's own row. */
  from: Lane | undefined;
  start: number;
  to: Lane | undefined;
  end: number;
}

export interface TimelineData {
  end: number;
  columns: number;
  groups: Group[];
  lanes: Lane[];
  marks: Point[];
  ticks: number[];
  arrows: Arrow[];
  bands: Band[];
}

/** A fault that the run itself caused, from its start to its end. */
export interface Band {
  t: number;
  end: number;
  line: number;
  text: string;
}

interface RowPlace {
  label: string;
  /** Its top, from the top of the canvas when nothing is scrolled. */
  y: number;
  /** It stands below the row of its group. */
  isInner: boolean;
}
export type TimelineRow = RowPlace & { kind: 'timeline'; group: null; lane: null };
export type GroupRow = RowPlace & { kind: 'group'; group: Group; lane: null };
export type LaneRow = RowPlace & { kind: 'lane'; group: Group; lane: Lane };
export type Row = TimelineRow | GroupRow | LaneRow;

/** A thing that a search can find. */
export type Findable = Point | Group | Lane;
export interface Hit {
  thing: Findable;
  group: Group | null;
  lane: Lane | null;
  /** The point that was found, if it is one. */
  point: Point | null;
  t: number | null;
  /** In lower case. */
  text: string;
}

/** All that the drawing of the timeline depends on. */
export interface Stage extends TimelineData {
  view: import('./time_window.js').TimeWindow;
  rows: Row[];
  picked: Row | null;
  found: Set<Findable>;
  colors: Record<string, string>;
  /** How far it is scrolled. */
  top: number;
  width: number;
  height: number;
  /** The width of the labels, left of the time. */
  margin: number;
}
