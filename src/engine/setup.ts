/** What runs before a lane's agent, in the same run: the configured setup command, once in each worktree. */
import { createHash } from "node:crypto";

import { setupFailedCode } from "../core/verdict.ts";
import type { Furnished } from "../port.ts";

/**
 * Says what the agent would else wonder about, sets up, and becomes the agent. Setting up is done without our hooks: what installs
 * a project's own would put them into our folder, or refuse to. The mark is there while the last setup has succeeded.
 */
const script = `
[ -z "$LANES_NOTE" ] || echo "lanes: $LANES_NOTE"
if [ -n "$LANES_SETUP" ] && [ "$(cat "$LANES_SETUP_MARK" 2>/dev/null)" != "$LANES_SETUP_HASH" ]; then
  echo "lanes: setup: $LANES_SETUP"
  rm -f "$LANES_SETUP_MARK"
  (unset GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0; exec sh -c "$LANES_SETUP") || { echo "lanes: the setup command failed with exit code $?"; exit ${setupFailedCode}; }
  printf %s "$LANES_SETUP_HASH" > "$LANES_SETUP_MARK"
fi
unset LANES_NOTE LANES_SETUP LANES_SETUP_MARK LANES_SETUP_HASH
exec "$@"`;

/** Words to put before an agent's argv, and the variables that they need. None when there is nothing to set up or to say. */
export const setupOf = (
  command: string | undefined,
  { setupMark, submodules }: Furnished,
): { readonly argv: readonly string[]; readonly env: Readonly<Record<string, string>> } => {
  const note = submodules.length === 0 || command !== undefined ? "" : noteOf(submodules);
  if (command === undefined && note === "") return { argv: [], env: {} };
  const hash = createHash("sha256")
    .update(command ?? "")
    .digest("hex");
  return {
    argv: ["sh", "-c", script, "lanes"],
    env: { LANES_NOTE: note, LANES_SETUP: command ?? "", LANES_SETUP_MARK: setupMark, LANES_SETUP_HASH: hash },
  };
};

const noteOf = (submodules: readonly string[]): string =>
  `submodules are not fetched here (${submodules.slice(0, 3).join(", ")}): git submodule update --init, or "setup" in lanes.config.json`;
