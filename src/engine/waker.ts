/** Sleep that ends early when something happened. What happened is not carried: the sleeper looks for itself. */

/** A bell that a loop sleeps beside. */
export interface Waker {
  readonly wake: () => void;
  /** Resolves at the next `wake` (at once, if one came since the last sleep) or after `ms`. */
  sleep(ms: number): Promise<void>;
}

/** A new bell. */
export const createWaker = (): Waker => {
  let rung = false;
  let ring: (() => void) | undefined;
  return {
    wake: () => {
      rung = true;
      ring?.();
    },
    sleep: async (ms) => {
      if (!rung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          ring = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      rung = false;
      ring = undefined;
    },
  };
};
