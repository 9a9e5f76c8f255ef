/** Columns × rows → what is shown where. Pure. */

/** The four live panes, in the order of their keys. */
export const paneNames = ["lanes", "agents", "locks", "branches"] as const;

/** One of the live panes. */
export type PaneName = (typeof paneNames)[number];

/** What fills the body: everything, the focused pane, or the log of the selected lane. */
export type Zoom = "none" | "pane" | "log";

/** Width and height with frame, in cells. */
export interface Area {
  readonly columns: number;
  readonly rows: number;
}

/** Where everything is. All heights add up to the rows of the terminal. */
export interface Layout {
  /** `summary`: one line; `list`: no frames; `stacked`: list over preview; `columns`: lists beside preview. */
  readonly is: "summary" | "list" | "stacked" | "columns";
  readonly screen: Area;
  readonly headerRows: number;
  readonly bodyRows: number;
  /** The panes that are shown, top to bottom. */
  readonly panes: ReadonlyMap<PaneName, Area>;
  readonly preview: Area | undefined;
  readonly events: Area | undefined;
  /** The row for toasts, filter and notes, and the row of keys. */
  readonly footerRows: number;
}

/** What the layout depends on. */
export interface Wanted {
  readonly columns: number;
  readonly rows: number;
  readonly pane: PaneName;
  readonly zoom: Zoom;
}

/** Rows of a frame that are not its content. */
export const frameRows = 2;

/** The layout for a terminal. */
export const layoutOf = (wanted: Wanted): Layout => {
  const screen = { columns: Math.max(1, wanted.columns), rows: Math.max(1, wanted.rows) };
  const none = { screen, panes: new Map(), preview: undefined, events: undefined };
  if (screen.columns < 40 || screen.rows < 10) {
    return { ...none, is: "summary", headerRows: 1, bodyRows: screen.rows - 1, footerRows: 0 };
  }
  const small = screen.columns < 60 || screen.rows < 12;
  const headerRows = small || screen.rows < 18 ? 1 : 2;
  const footerRows = 2;
  const bodyRows = screen.rows - headerRows - footerRows;
  const body = { columns: screen.columns, rows: bodyRows };
  const rest = { headerRows, bodyRows, footerRows };
  if (wanted.zoom === "log") return { ...none, ...rest, is: "stacked", preview: body };
  if (small) return { ...none, ...rest, is: "list", panes: new Map([[wanted.pane, body]]) };
  if (wanted.zoom === "pane") return { ...none, ...rest, is: "stacked", panes: new Map([[wanted.pane, body]]) };
  if (screen.columns < 120) return { ...none, ...rest, is: "stacked", ...stacked(body, wanted.pane) };
  return { ...none, ...rest, is: "columns", ...beside(body, wanted.pane) };
};

/** Rows of content that a pane shows. */
export const listRows = (layout: Layout, pane: PaneName): number => {
  const area = layout.panes.get(pane);
  if (!area) return 0;
  return Math.max(1, layout.is === "list" ? area.rows - 1 : area.rows - frameRows);
};

type Body = Pick<Layout, "panes" | "preview" | "events">;

const stacked = ({ columns, rows }: Area, pane: PaneName): Body => {
  const list = Math.ceil(rows * 0.52);
  return {
    panes: new Map([[pane, { columns, rows: list }]]),
    preview: { columns, rows: rows - list },
    events: undefined,
  };
};

/** Fewer rows than this hold one pane at a time. */
const allPanesRows = 18;

const beside = ({ columns, rows }: Area, pane: PaneName): Body => {
  const left = Math.min(110, Math.max(56, Math.round(columns * 0.46)));
  const right = columns - left;
  const events = rows < 16 ? 0 : Math.min(14, Math.floor(rows * 0.3));
  const column = (height: number): Area => ({ columns: left, rows: height });
  const heights = rows < allPanesRows ? new Map([[pane, column(rows)]]) : fourPanes(rows, column);
  return {
    panes: heights,
    preview: { columns: right, rows: rows - events },
    events: events === 0 ? undefined : { columns: right, rows: events },
  };
};

const fourPanes = (rows: number, column: (height: number) => Area): ReadonlyMap<PaneName, Area> => {
  const lanes = Math.max(6, Math.floor(rows * 0.42));
  const others = rows - lanes;
  const agents = Math.max(4, Math.floor(others * 0.36));
  const locks = Math.max(4, Math.floor(others * 0.24));
  return new Map([
    ["lanes", column(lanes)],
    ["agents", column(agents)],
    ["locks", column(locks)],
    ["branches", column(others - agents - locks)],
  ]);
};
