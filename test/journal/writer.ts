/** A process that appends `count` records, one after another, and says the id of each as soon as it is acknowledged. */
import { writeSync } from "node:fs";

import { createJournal } from "../../src/journal/local.ts";

const [state, name, count] = process.argv.slice(2);
if (state === undefined || name === undefined) throw new Error("usage: writer STATE NAME COUNT");
const journal = createJournal({ state });
for (let n = 0; n < Number(count); n += 1) {
  const id = `${name}-${n}`;
  const text = "x".repeat((n * 37) % 700);
  await journal.append({
    v: 1,
    id,
    at: n,
    by: name,
    on: "box",
    events: [{ type: "lane.progressed", key: "demo", text }],
  });
  writeSync(1, `${id}\n`);
}
