// npm run bench [-- NAME …]: every promised figure against budgets.json: a ratio to a reference measured in the same run, or, where
// a person waits or pays for it, the time itself; those hold on an idle machine. Exit code 1 when a promise is not kept.
import { readFileSync } from "node:fs";
import process from "node:process";

import { forecastOfLanes } from "./forecast.mjs";
import { claimAgainstGit, createAgainstWorktreeAdd } from "./git.mjs";
import { appendAgainstBare, appendAgainstLockfile, appendInCrowd } from "./journal.mjs";
import { landAgainstPlainGit } from "./queue.mjs";
import { replayAgainstParse } from "./replay.mjs";
import { sightOfLanes } from "./sight.mjs";
import { startFromSnapshot } from "./snapshot.mjs";
import { startAgainstNode } from "./start.mjs";
import { takeOverOfDead } from "./takeover.mjs";

const budgets = JSON.parse(readFileSync(new URL("budgets.json", import.meta.url), "utf8"));
const measurements = [
  [["start-version", "start-status", "first-paint"], startAgainstNode],
  [["replay"], replayAgainstParse],
  [["append-4-writers"], appendAgainstBare],
  [["append-16-writers"], appendAgainstLockfile],
  [["append-64-writers", "append-64-p99", "append-64-evenness"], appendInCrowd],
  [["snapshot-start"], startFromSnapshot],
  [["create-lanes"], createAgainstWorktreeAdd],
  [["forecast-target", "forecast-moved", "forecast-objects"], forecastOfLanes],
  [["queue-overhead"], landAgainstPlainGit],
  [["claim-lane", "claim-against-add"], claimAgainstGit],
  [["takeover"], takeOverOfDead],
  [["commit-seen", "idle-share", "idle-bytes"], sightOfLanes],
];

// Node 20 pays 32 ms for it at every start, also of the writers.
delete process.env["NODE_EXTRA_CA_CERTS"];

const major = Number(process.versions.node.split(".")[0]);
const wanted = new Set(process.argv.slice(2));
let broken = 0;

process.stdout.write(
  `Node ${process.versions.node}; ratios have their reference from the same run, times hold on an idle machine\n`,
);
for (const [names, measure] of measurements) {
  if (wanted.size > 0 && !names.some((name) => wanted.has(name))) continue;
  for (const { name, ratio, detail } of [await measure()].flat()) {
    const { atLeast, atMost: usual, atMostNode24, what } = budgets[name];
    const atMost = major >= 24 ? (atMostNode24 ?? usual) : usual;
    const isKept = atLeast === undefined ? ratio <= atMost : ratio >= atLeast;
    if (!isKept) broken += 1;
    const bound = atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`;
    process.stdout.write(
      `${isKept ? "kept  " : "BROKEN"} ${name.padEnd(18)} ${ratio.toFixed(2).padStart(7)}  (${bound}; ${what})\n`,
    );
    process.stdout.write(`       ${detail}\n`);
  }
}
process.exitCode = broken === 0 ? 0 : 1;
