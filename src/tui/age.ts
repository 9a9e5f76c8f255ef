/** Times as people say them. */

const minuteMs = 60_000;

/** How long ago, in at most four letters. No seconds: a screen on which nothing happens stands still. */
export const age = (since: number, now: number): string => {
  const ms = Math.max(0, now - since);
  if (ms < minuteMs) return "<1m";
  const minutes = Math.floor(ms / minuteMs);
  if (minutes < 60) return `${minutes}m`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)}h`;
  return `${Math.min(999, Math.floor(minutes / (24 * 60)))}d`;
};

/** The time of day, `HH:MM`, in the local zone. */
export const clock = (at: number): string => {
  const date = new Date(at);
  return `${String(date.getHours()).padStart(2, "0")}:${String(date.getMinutes()).padStart(2, "0")}`;
};
