/** What of the tracker others may set by writing into it. */
import type { LaneSpec } from "./state.ts";

const fieldsOfSpec: readonly (keyof LaneSpec)[] = [
  "name",
  "tasks",
  "parallel",
  "priority",
  "dependsOn",
  "paths",
  "prompt",
  "retries",
  "timeoutMs",
];

/** Fields of a lane's definition that an edit of the tracker may set. None of them is a command, nor leads to one. */
export const patchable: ReadonlySet<string> = new Set(fieldsOfSpec);

/** Foreign fields that are kept for others, in the whole repository. */
export const foreignMax = 1000;

/** The name under which the state keeps a foreign field; like no name that an object has by itself. */
export const foreignKey = (at: readonly string[]): string => JSON.stringify(at);

/** The place of a foreign field from the name that `foreignKey` gave it. */
export const placeOfForeign = (key: string): readonly string[] => JSON.parse(key) as readonly string[];
