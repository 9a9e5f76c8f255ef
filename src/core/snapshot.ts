/** A state as text and back: what a snapshot holds, so that nobody has to fold a long history again. */
import { emptyState, type Lane, type State } from "./state.ts";

/** The state as JSON: maps as lists of pairs, sets as lists. */
export const snapshotText = (state: State): string => {
  const { lanes, names, seen } = state;
  const flat = { lanes: [...lanes.values()], names: [...names], young: [...seen.young], old: [...seen.old] };
  return JSON.stringify({ ...state, seen: undefined, ...flat });
};

/** The state that `text` holds, equal to the one it was made of in every field; undefined when it holds none. */
export const snapshotState = (text: string): State | undefined => {
  try {
    const { lanes, names, young, old, claims, ...rest } = JSON.parse(text) as Flat;
    return {
      ...emptyState(),
      ...rest,
      lanes: new Map(lanes.map((lane) => [lane.id, whole(lane)])),
      names: new Map(names),
      claims: claims?.map((claim) => ({ ...claim, token: claim.token })),
      seen: { young: new Set(young), old: new Set(old) },
    };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
};

interface Flat extends Omit<State, "lanes" | "names" | "seen"> {
  readonly lanes: readonly Lane[];
  readonly names: readonly (readonly [string, string])[];
  readonly young: readonly string[];
  readonly old: readonly string[];
}

/** Fields that a lane always has although they may be undefined: JSON leaves them out. */
const unset: { readonly [F in keyof Lane as undefined extends Lane[F] ? F : never]: undefined } = {
  queuedAt: undefined,
  run: undefined,
  retryAt: undefined,
  halts: undefined,
  stopping: undefined,
  pausing: undefined,
  merge: undefined,
  landed: undefined,
  undoing: undefined,
  undone: undefined,
  resolving: undefined,
  approved: undefined,
  spoiled: undefined,
  note: undefined,
  progress: undefined,
  removal: undefined,
  saves: undefined,
  restoring: undefined,
};

const whole = (lane: Lane): Lane => {
  const { landed } = lane;
  return { ...unset, ...lane, landed: landed && { ...landed, gate: landed.gate } };
};
