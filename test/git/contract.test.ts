import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { gitContract } from "../contract/git.ts";
import { scene } from "./scratch.ts";

gitContract("real git", async () => {
  const s = await scene();
  return {
    git: s.git,
    other: s.again,
    commit: (lane, path, text) => s.commit(lane === undefined ? "." : join(".worktrees", lane), { [path]: text }),
    read: (path) => (existsSync(join(s.top, path)) ? readFileSync(join(s.top, path), "utf8") : undefined),
  };
});
