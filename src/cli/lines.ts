/** Pieces of an output → its lines, sanitised, each shown once it is whole. */
import { sanitizeLines } from "../core/text.ts";

/** A line that grows longer than this is shown in parts, in characters. */
const lineMax = 65_536;

/** Takes pieces and shows lines. */
export interface Lines {
  push(text: string): void;
  /** Show what is left although its line has no end. */
  end(): void;
}

/** A splitter that has seen nothing yet. */
export const createLines = (show: (line: string) => void): Lines => {
  let rest = "";
  const showAll = (text: string): void => {
    for (const line of sanitizeLines(text)) show(line);
  };
  return {
    push: (text) => {
      rest += text;
      const end = rest.lastIndexOf("\n") + 1;
      if (end > 0) showAll(rest.slice(0, end));
      rest = rest.slice(end);
      if (rest.length <= lineMax) return;
      showAll(rest);
      rest = "";
    },
    end: () => {
      showAll(rest);
      rest = "";
    },
  };
};
