import { hostContract } from "../contract/host.ts";
import { hasTool } from "../tool.ts";

/** The shells that are someone's /bin/sh: Debian's, macOS's and Fedora's, Alpine's. */
const shells = [["dash"], ["bash", "--posix"], ["busybox", "sh"]].filter(([command = ""]) => hasTool(command));

hostContract("processes under /bin/sh", ["/bin/sh"]);
for (const shell of shells) hostContract(`processes under ${shell.join(" ")}`, shell);
