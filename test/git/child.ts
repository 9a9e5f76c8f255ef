/** A process that opens a lane and says so; a test kills it on the way. Usage: TOP LANE BASE [STEP at which it kills itself] */
import { isNo } from "../../src/core/observed.ts";
import { findLayout } from "../../src/git/layout.ts";
import { createGit } from "../../src/git/repo.ts";

const [top = "", lane = "", base = "", last] = process.argv.slice(2);
const layout = await findLayout(top);
if (isNo(layout)) throw new Error(layout.refused);
const step = (name: string): void => {
  if (name === last) process.kill(process.pid, "SIGKILL");
};
const opened = await createGit(layout, { step }).openLane(lane, base);
process.stdout.write(`${JSON.stringify(opened)}\n`);
