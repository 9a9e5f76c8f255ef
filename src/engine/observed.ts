/** What the engine saw of git, published for verbs that must not wait for git: `observed.json`. */
import type { LaneSeen, RepoSeen } from "../core/observed.ts";

/** Name of the published file. */
export const observedName = "observed.json";

/** A look as JSON, without what only the next look compares. */
export const observedText = ({ configured: _configured, ...seen }: RepoSeen): string =>
  `${JSON.stringify({ ...seen, lanes: [...seen.lanes] })}\n`;

/** A look from JSON, or undefined when the text is not one of ours. */
export const parseObserved = (text: string | undefined): RepoSeen | undefined => {
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Omit<RepoSeen, "lanes"> & {
      readonly lanes: readonly (readonly [string, LaneSeen])[];
    };
    const whole =
      typeof value.at === "number" &&
      Array.isArray(value.lanes) &&
      Array.isArray(value.branches) &&
      Array.isArray(value.locks) &&
      (value.settings === undefined || Array.isArray(value.settings.remarks));
    return whole ? { ...value, lanes: new Map(value.lanes) } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
};
