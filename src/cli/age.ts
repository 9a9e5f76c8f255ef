/** Times as people say them. */

const units: readonly (readonly [ms: number, name: string])[] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"],
];

/** How long ago `then` is: `5 s`, `12 min`, `3 h`, `9 d`. Clocks that differ a little make no negative ages. */
export const ageOf = (then: number, now: number): string => {
  const ms = now - then;
  for (const [unit, name] of units) if (ms >= unit) return `${Math.floor(ms / unit)} ${name}`;
  return "now";
};

/** The same in a sentence: `now`, `5 s ago`. */
export const agoOf = (then: number, now: number): string => {
  const age = ageOf(then, now);
  return age === "now" ? age : `${age} ago`;
};
