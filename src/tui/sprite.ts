/**
 * Lines on their way around Ink. Ink decides where a line goes and is given one private character that stands for it; the
 * screen puts the line back in that place. So Ink measures and splits no text, which is most of what a frame costs there,
 * and text of unknown width can never disturb its layout. Sanitised text holds no private characters: nothing can pose as one.
 */

/** The lines that are under way, by the characters that stand for them. */
export interface Sprites {
  /** The character that stands for a painted line: another one for another line. */
  readonly hide: (line: string) => string;
  /** The line that a character stands for. */
  readonly show: (char: string) => string;
  /** Forget old lines when there are many. Call it between frames: each frame hides its lines anew. */
  readonly tidy: () => void;
}

/** Matches a character that stands for a line. */
export const spritePattern: RegExp = /^[\u{F0000}-\u{FFFFD}]$/u;

const first = 0xf_00_00;
const room = 0xf_ff_fd - first + 1;

/** Lines that are kept before all are forgotten: many frames' worth, and far fewer than there are characters. */
const linesMax = 8192;

/** No lines yet. */
export const createSprites = (): Sprites => {
  const chars = new Map<string, string>();
  const lines = new Map<string, string>();
  let count = 0;
  return {
    hide: (line) => {
      const known = chars.get(line);
      if (known !== undefined) return known;
      const char = String.fromCodePoint(first + (count % room));
      count += 1;
      chars.set(line, char);
      lines.set(char, line);
      return char;
    },
    show: (char) => lines.get(char) ?? "",
    tidy: () => {
      if (chars.size <= linesMax) return;
      chars.clear();
      lines.clear();
    },
  };
};
