/** A process that follows the log and has nothing else to do. */
import { createJournal } from "../../src/journal/local.ts";

const [state] = process.argv.slice(2);
if (state === undefined) throw new Error("usage: follower STATE");
createJournal({ state }).follow(() => {});
process.stdout.write("following\n");
