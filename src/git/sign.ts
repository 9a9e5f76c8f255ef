/** Signing what lands, where the person wants every commit signed. */
import type { No } from "../core/observed.ts";
import type { Setting } from "./environment.ts";
import { saysYes } from "./own-settings.ts";

/** The settings that signing goes by, as a pattern. */
export const signingKeys: string = String.raw`^(commit\.gpgsign|gpg\..*|gpg\.program|user\.signingkey)$`;

/** The settings with which a commit is signed; undefined when the person's own settings do not ask for that. */
export const signingBy = (own: ReadonlyMap<string, string>): readonly Setting[] | undefined => {
  if (!saysYes(own.get("commit.gpgsign"))) return undefined;
  // The guards name a program that never signs; all other names come from the same files by themselves.
  return [["gpg.program", own.get("gpg.openpgp.program") ?? own.get("gpg.program") ?? "gpg"]];
};

/** A commit that could not be signed does not land unsigned. */
export const unsigned = (error: unknown): No => {
  const message = error instanceof Error ? error.message : String(error);
  const said = /\((.*)\)$/s.exec(message)?.[1] ?? message;
  return {
    refused: `it could not be signed: ${said.split("\n", 1)[0] ?? ""}`,
    hint: "unlock your key (commit.gpgsign is on in your configuration), then merge again",
    code: 4,
  };
};
