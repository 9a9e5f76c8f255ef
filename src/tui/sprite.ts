/**
 * Lines on their way around Ink. Ink decides where a line goes and is given one letter that stands for it; the screen puts
 * the line back in that place. So Ink measures and splits no text, which is most of what a frame costs there, and text of
 * doubtful width can never disturb its layout. The letter is told by its colour, one of the 16 million that we never use.
 */

/** The lines that are under way, by the colours that stand for them. */
export interface Sprites {
  /** The coloured letter that stands for a painted line: another one for another line. */
  readonly hide: (line: string) => string;
  /** The line that a colour (SGR parameters) stands for; undefined for any other colour. */
  readonly show: (colour: string) => string | undefined;
  /** Forget old lines when there are many. Call it between frames: each frame hides its lines anew. */
  readonly tidy: () => void;
}

/** Lines that are kept before all are forgotten: many frames' worth. */
const linesMax = 8192;

/** No lines yet. */
export const createSprites = (): Sprites => {
  const letters = new Map<string, string>();
  const lines = new Map<string, string>();
  let count = 0;
  return {
    hide: (line) => {
      const known = letters.get(line);
      if (known !== undefined) return known;
      const colour = `38;2;${(count >> 16) & 255};${(count >> 8) & 255};${count & 255}`;
      const letter = `\u001B[${colour}m#\u001B[39m`;
      count += 1;
      letters.set(line, letter);
      lines.set(colour, line);
      return letter;
    },
    show: (colour) => lines.get(colour),
    tidy: () => {
      if (letters.size <= linesMax) return;
      letters.clear();
      lines.clear();
    },
  };
};
