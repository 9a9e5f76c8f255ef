/** Widths of columns that hold names. */
import { widthOf } from "../width.ts";

/** As wide as the widest text, within bounds. */
export const columnFor = <T>(rows: readonly T[], text: (row: T) => string, min: number, max: number): number =>
  Math.min(
    max,
    rows.reduce((widest, row) => Math.max(widest, widthOf(text(row))), min),
  );
