/**
 * Stands between Ink and the terminal. Ink hands over whole frames; this keeps the screen as cells and sends what changed.
 * It owns the alternate screen, autowrap and the cursor, so that they are put back whatever happens to Ink. A frame can
 * never be taller or wider than the terminal, and nothing is ever erased as a whole.
 */
import { writeSync } from "node:fs";
import { Writable } from "node:stream";
import type { WriteStream } from "node:tty";

import { diffRow, parseRow, type Row } from "./cells.ts";
import type { Theme } from "./theme.ts";

/** The terminal while the control center is up. */
export interface Screen {
  /** What Ink writes to. */
  readonly stream: WriteStream;
  /** Take the terminal over with the next frame: alternate screen, no autowrap, no cursor. */
  readonly enter: () => void;
  /** Give it back as it was; `done` is called when the terminal has been told. Any number of times. */
  readonly leave: (done?: () => void) => void;
  /** The same for a process that ends now and cannot wait for its streams. */
  readonly abandon: () => void;
  /** Send every row again: after a resize, or when somebody else wrote on the terminal. */
  readonly repaint: () => void;
  /** Rows of the last frame, for tests. */
  readonly drawn: () => readonly Row[];
  /** Take no more frames: Ink leaves without a last one. */
  readonly close: () => void;
  /** Calls after the size changed and before Ink hears of it. */
  readonly onResize: (listener: () => void) => void;
}

/** The part of a terminal stream that is used. */
export type Target = Pick<WriteStream, "columns" | "rows"> & {
  readonly fd: number;
  write(text: string, done: () => void): unknown;
  on(event: "resize", listener: () => void): unknown;
};

const csi = "\u001B[";
const takeOver = `${csi}?1049h${csi}?7l${csi}?25l${csi}?2004h`;
const giveBack = `${csi}0m${csi}?2004l${csi}?7h${csi}?25h${csi}?1049l`;

const blank: Row = { raw: "", chars: [], styles: [] };

/** Longer updates are marked so that terminals which can show them at once do. */
const markedMin = 400;

// oxlint-disable-next-line no-control-regex -- Ink's own cursor and mode sequences start with ESC
const others = /\u001B\[[0-9;?]*[A-HJKhl]|\r/g;

/** A screen on a terminal. In `ascii`, nothing else is ever sent. */
export const createScreen = (target: Target, { ascii, sprites }: Pick<Theme, "ascii" | "sprites">): Screen => {
  let up = false;
  let taken = false;
  let frame: readonly Row[] = [];
  let shown: Row[] = [];
  let resized = false;
  let sending = false;
  let stale = false;

  const flush = (): void => {
    if (!up || frame.length === 0) return;
    if (sending) {
      stale = true;
      return;
    }
    const out = changes();
    if (out === "") return;
    sending = true;
    const marked = out.length < markedMin ? out : `${csi}?2026h${out}${csi}?2026l`;
    target.write(taken ? marked : takeOver + marked, () => {
      sending = false;
      if (!stale) return;
      stale = false;
      flush();
    });
    taken = true;
  };

  const changes = (): string => {
    let out = "";
    for (let index = 0; index < target.rows; index += 1) {
      const after = frame[index] ?? blank;
      const before = shown[index];
      if (before === after) continue;
      out += diffRow(index + 1, before, after);
      shown[index] = after;
    }
    return out;
  };

  /** Rows that are as they were need not be read again, unless they may have been cut. */
  const read = (lines: readonly string[]): readonly Row[] => {
    const reading = { columns: target.columns, ascii, sprites };
    const known = resized ? [] : frame;
    resized = false;
    return lines.map((raw, index) => {
      const row = known[index];
      return row?.raw === raw ? row : parseRow(raw, reading);
    });
  };

  const repaint = (): void => {
    shown = [];
    flush();
  };

  const stream = new Writable({
    decodeStrings: false,
    write: (chunk: string, _encoding, done) => {
      const text = chunk.replaceAll(others, "");
      if (text !== "") {
        frame = read((text.endsWith("\n") ? text.slice(0, -1) : text).split("\n"));
        sprites.tidy();
        flush();
      }
      done();
    },
  });
  Object.defineProperties(stream, {
    isTTY: { value: true },
    columns: { get: () => target.columns },
    rows: { get: () => target.rows },
  });

  const listeners: (() => void)[] = [];
  target.on("resize", () => {
    shown = [];
    resized = true;
    for (const listener of listeners) listener();
    // Ink paints at once when it hears of a resize: let React place everything anew first.
    setImmediate(() => {
      stream.emit("resize");
      flush();
    });
  });

  return {
    stream: stream as unknown as WriteStream,
    enter: () => {
      if (up) return;
      up = true;
      shown = [];
      flush();
    },
    leave: (done = () => undefined) => {
      const told = taken;
      up = false;
      taken = false;
      if (told) target.write(giveBack, done);
      else done();
    },
    abandon: () => {
      if (taken) writeSync(target.fd, giveBack);
      up = false;
      taken = false;
    },
    repaint,
    drawn: () => frame,
    close: () => stream.end(),
    onResize: (listener) => {
      listeners.push(listener);
    },
  };
};
