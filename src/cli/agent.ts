/** What is a person's to do: an agent that calls `lanes` from its run does not do it by accident. */
import type { No } from "../core/observed.ts";
import type { Call } from "./call.ts";
import { exit, no } from "./exit.ts";
import { callingLane } from "./shell.ts";

/** Why an agent may not make this call; undefined when it may, and for a person. */
export const agentNo = (call: Pick<Call, "verb" | "words" | "options" | "shell">): No | undefined => {
  if (callingLane(call.shell) === undefined) return undefined;
  const what = personal(call);
  return what === undefined ? undefined : no(`an agent ${what}`, "ask the person who runs lanes", exit.refused);
};

const personal = ({ verb, words, options }: Pick<Call, "verb" | "words" | "options">): string | undefined => {
  if (verb === "lock") return words[0] === "break" ? "breaks no lease" : undefined;
  if (verb !== "merge" && verb !== "full") return verbs[verb];
  if (options["override"] === true) return "overrides nothing";
  if (options["first"] === true) return "does not go before others";
  return options["check"] === undefined ? undefined : "chooses no check of a merge";
};

/** Verbs that are a person's altogether. */
const verbs: Readonly<Record<string, string | undefined>> = {
  approve: "approves nothing",
  remove: "removes no lane",
  reset: "resets nothing",
  trust: "trusts nothing",
  undo: "takes no landing back",
};
