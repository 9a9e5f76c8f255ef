/** Output that arrives in pieces → whole lines, with bounded memory. */

/** A line longer than this is not kept, in characters: no event of an agent needs so much. */
const lineMax = 1_048_576;

/** What of the output is not a whole line yet. */
export interface Rest {
  /** Beginning of the line; empty once the line is too long. */
  readonly text: string;
  /** How much of a line that is too long was let go, in characters; 0 while it is not. */
  readonly dropped: number;
}

/** Nothing was read yet. */
export const noRest: Rest = { text: "", dropped: 0 };

/** The lines that are whole now, without their ends, and what is left. `long`: how many were too long and are not among them. */
export const takeLines = (
  rest: Rest,
  piece: string,
  max: number = lineMax,
): { readonly lines: readonly string[]; readonly rest: Rest; readonly long: number } => {
  const lines: string[] = [];
  let long = 0;
  let { text, dropped } = rest;
  let from = 0;
  for (;;) {
    const end = piece.indexOf("\n", from);
    const part = piece.slice(from, end < 0 ? undefined : end);
    if (dropped > 0 || text.length + part.length > max) {
      dropped += text.length + part.length;
      text = "";
    } else text += part;
    if (end < 0) return { lines, rest: { text, dropped }, long };
    if (dropped > 0) long += 1;
    else lines.push(text.endsWith("\r") ? text.slice(0, -1) : text);
    [text, dropped, from] = ["", 0, end + 1];
  }
};
