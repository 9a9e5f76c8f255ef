/** Tools that a machine may lack: their tests are skipped with a line that names the tool, and fail where all are required. */
import { spawnSync } from "node:child_process";

/** Is `tool` on the PATH? Where `LANES_TEST_REQUIRE=all` is set (CI), a missing tool is an error. */
export const hasTool = (tool: string): boolean => {
  const found = spawnSync("sh", ["-c", 'command -v "$1"', "sh", tool], { stdio: "ignore" }).status === 0;
  if (!found && process.env["LANES_TEST_REQUIRE"] === "all")
    throw new Error(`${tool} is missing, and every tool is required here`);
  if (!found) process.stderr.write(`skipped: tests that need ${tool}, which is not installed\n`);
  return found;
};
