/** Runs work with at most `width` pieces at once, in the order of asking. */
export const limit = (width: number): Limit => {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= width) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      // A place is handed on, not given back: nobody can slip in between.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
};

/** Waits for a free place, then does the work. */
export type Limit = <Result>(work: () => Promise<Result>) => Promise<Result>;
