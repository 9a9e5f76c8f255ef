import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

import { hostContract } from "../contract/host.ts";

const isThere = (command: string): boolean =>
  (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, command)));

/** The shells that are someone's /bin/sh: Debian's, macOS's and Fedora's, Alpine's. */
const shells = [["dash"], ["bash", "--posix"], ["busybox", "sh"]].filter(([command = ""]) => isThere(command));

hostContract("processes under /bin/sh", ["/bin/sh"]);
for (const shell of shells) hostContract(`processes under ${shell.join(" ")}`, shell);
