/** How many columns text takes. The tables for this are large: they are loaded when a text needs them. */

/** Columns of a text that was sanitised. */
export type Measure = (text: string) => number;

/** ASCII, our own glyphs and the mark of a cut: one column each, in every terminal that we know. */
const narrow = /^[\u0020-\u007E○→‖✗✓⇄≠…]*$/;

/** A measure that is right for all of these texts and for parts of them. */
export const measureFor = async (texts: readonly string[]): Promise<Measure> => {
  if (texts.every((text) => narrow.test(text))) return (text) => text.length;
  const { default: stringWidth } = await import("string-width");
  return (text) => (narrow.test(text) ? text.length : stringWidth(text));
};
