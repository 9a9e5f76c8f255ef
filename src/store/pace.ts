/** Something that is done again and again, but not too often and never twice at the same time. */

/** Asks for a deed. */
export interface Pace {
  /** Do it now, or as soon as `gapMs` have passed since it was begun last. */
  readonly ask: () => void;
  /** What was asked for and waits, now. */
  readonly hurry: () => void;
  readonly end: () => void;
}

/** Paces `act`; a gap that is a function is asked each time. What it throws or rejects with goes to `fault`, and the next time it is tried again. */
export const createPace = (
  act: () => void | Promise<void>,
  gapMs: number | (() => number),
  fault: (error: unknown) => void,
): Pace => {
  let begunAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let under = false;
  let again = false;
  let ended = false;

  const settle = (): void => {
    under = false;
    if (!again || ended) return;
    again = false;
    ask();
  };

  const begin = (): void => {
    clearTimeout(timer);
    timer = undefined;
    begunAt = performance.now();
    under = true;
    try {
      const done = act();
      if (done === undefined) settle();
      else done.catch(fault).finally(settle);
    } catch (error) {
      fault(error);
      settle();
    }
  };

  const ask = (): void => {
    if (ended || timer !== undefined) return;
    const left = begunAt + (typeof gapMs === "number" ? gapMs : gapMs()) - performance.now();
    if (under) again = true;
    else if (left <= 0) begin();
    else timer = setTimeout(begin, left);
  };

  const hurry = (): void => {
    if (!ended && timer !== undefined) begin();
  };

  const end = (): void => {
    ended = true;
    clearTimeout(timer);
  };

  return { ask, hurry, end };
};
