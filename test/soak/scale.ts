/** How much of a storm is played: LANES_SOAK_SCALE is a factor, 1 when absent. And where its figures go. */

/** So many instead of `whole`, at least one. */
export const scaled = (whole: number): number =>
  Math.max(1, Math.round(whole * (Number(process.env["LANES_SOAK_SCALE"]) || 1)));

/** A figure for whoever reads the soak's output. */
export const figure = (line: string): void => {
  process.stdout.write(`soak: ${line}\n`);
};

/** The value below which this part of the numbers lies; 0 when there are none. */
export const quantile = (numbers: readonly number[], part: number): number =>
  numbers.toSorted((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * part))] ?? 0;

/** Wait, in ms. */
export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** One of these, by dice. */
export const oneOf = <T>(choices: readonly T[]): T | undefined => choices[Math.floor(Math.random() * choices.length)];
