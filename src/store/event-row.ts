/** Facts → lines of the list of recent events. */
import type { Entry, Event, EventType, Outcome } from "../core/event.ts";
import { phaseNames } from "../core/select.ts";
import type { Tone } from "../core/state.ts";
import { sanitize } from "../core/text.ts";
import type { EventRow } from "./view.ts";

/** A line of the journal and what became of it, as the engine tells it. */
export interface Told {
  readonly entry: Entry;
  readonly outcome: Outcome;
}

/** The facts of a line that people want to read of; none for a line that is not in effect. */
export const eventRows = ({ entry, outcome }: Told): readonly EventRow[] => {
  if ("damaged" in entry) {
    return [
      { position: entry.position, at: 0, lane: "", text: "a damaged line of the journal was skipped", tone: "bad" },
    ];
  }
  if (!outcome.effective) return [];
  const { at, events } = entry.record;
  return events.flatMap((event) => {
    const told = tell(event);
    if (told === undefined) return [];
    const [tone, text] = told;
    const lane = "key" in event ? sanitize(event.key) : "";
    return [{ position: entry.position, at, lane, text: sanitize(text), tone }];
  });
};

type Telling = readonly [tone: Tone, text: string] | undefined;

type Refused = Extract<Event, { readonly type: "tracker.patched" }>["left"][number];

type Tellers = { readonly [K in EventType]: (event: Extract<Event, { readonly type: K }>) => Telling };

/** A record of a newer program may hold facts that this one has no words for. */
const tell = (event: Event): Telling =>
  Object.hasOwn(tellers, event.type) ? (tellers[event.type] as (event: Event) => Telling)(event) : undefined;

const because = (text: string, why: string | undefined): string => (why ? `${text}: ${why}` : text);
const few = (paths: readonly string[] | undefined): string => (paths ?? []).slice(0, 3).join(", ");
const reasonOf = (left: readonly Refused[] | undefined): string =>
  left?.[0] === undefined ? "" : `: ${left[0].path} ${left[0].why}`;
const short = (commit: string | undefined): string => (commit ?? "").slice(0, 7);

/** What is to be told of a check besides what becomes of its lanes. */
const checkTold = ({ passed, flaky, cached }: Extract<Event, { readonly type: "check.ended" }>): Telling => {
  if (flaky === true) return ["alert", "flaky check: it failed, and passed on the same tree"];
  return passed && cached === true ? ["dim", "this tree passed its check before"] : undefined;
};

const tellers: Tellers = {
  "repo.initialised": ({ target }) => ["plain", `repository prepared, target ${target}`],
  "phase.entered": ({ phase }) => ["plain", `phase ${phaseNames[phase] ?? phase}`],
  "plan.written": ({ lanes, skipped }) => [
    "plain",
    `plan written: ${lanes?.length ?? 0} lanes, ${skipped} gaps skipped`,
  ],
  "engine.elected": ({ process }) => ["dim", `engine started, pid ${process?.pid}`],
  "engine.retired": ({ why }) => ["dim", because("engine ended", why)],
  "lane.added": () => ["plain", "added"],
  "lane.queued": ({ why }) => ["dim", because("queued", why)],
  "lane.approved": ({ head }) => ["good", `approved at ${short(head)}`],
  "lane.rolled-back": ({ saved }) => ["plain", `starts from its base again; what was done is kept in ${saved}`],
  "lane.held": ({ why }) => ["alert", why],
  "lane.unqueued": () => ["dim", "taken out of the queue"],
  "lane.stop-asked": () => ["plain", "is to be stopped"],
  "lane.freeze-asked": () => ["plain", "is to be frozen"],
  "lane.resume-asked": () => ["plain", "is to be resumed"],
  "lane.frozen": () => ["plain", "frozen"],
  "lane.thawed": ({ why }) => (why ? ["alert", why] : ["plain", "resumed"]),
  "lane.opened": () => ["plain", "worktree is ready for you"],
  "lane.waiting": ({ why }) => ["alert", because("needs you", why)],
  "lane.readied": () => ["good", "ready to merge"],
  "lane.emptied": ({ why }) => ["alert", because("finished empty", why)],
  "lane.failed": ({ why }) => ["bad", because("failed", why)],
  "lane.lost": ({ why }) => ["alert", because("lost", why)],
  "lane.parked": ({ why }) => ["bad", because("parked", why)],
  "lane.paused": ({ why }) => ["plain", because("paused", why)],
  "lane.cancelled": ({ why }) => ["dim", because("cancelled", why === "cancelled" ? "" : why)],
  "lane.progressed": () => undefined,
  "run.asked": () => undefined,
  "run.started": ({ n }) => ["busy", `run ${n} started`],
  "agent.reported": ({ told }) =>
    told?.status === "blocked" ? ["alert", because(`agent needs ${told.kind}`, told.doing)] : undefined,
  "run.exited": ({ n, code, signal }) => [code === 0 ? "plain" : "bad", `run ${n} ended, ${signal ?? `exit ${code}`}`],
  "merge.asked": ({ override }) =>
    override
      ? ["alert", because("asked to be merged whatever check, leases and review say", override)]
      : ["plain", "asked to be merged"],
  "merge.withdrawn": ({ why }) => ["dim", because("left the merge queue", why)],
  "merge.started": ({ target }) => ["busy", `merge into ${target} is being checked`],
  "merge.tested": ({ result }) => ["plain", result === "passed" ? "check passed" : "no check configured"],
  "merge.check-failed": ({ why }) => ["bad", because("check failed", why)],
  "merge.conflicted": ({ paths, with: others }) => [
    "bad",
    `conflict in ${paths?.length ?? 0} file${paths?.length === 1 ? "" : "s"}${others?.[0] === undefined ? "" : ` with ${others.join(", ")}`}`,
  ],
  "merge.resolving": ({ target }) => ["plain", `its conflict with ${target} stands in its worktree`],
  "merge.resolve-dropped": () => ["dim", "the conflict is out of its worktree again"],
  "merge.put-off": ({ behind }) => ["dim", `conflicts with ${behind}, which is being tested: merged after it`],
  "check.ended": (event) => checkTold(event),
  "batch.split": ({ lanes }) => ["alert", `check failed for ${(lanes ?? []).join(", ")} together: looking for the one`],
  "merge.held": ({ why }) => ["alert", because("landing is held", why)],
  "merge.requeued": ({ why }) => ["dim", because("back in the merge queue", why)],
  "merge.landed": ({ merge, target }) => ["good", `merged into ${target} as ${short(merge)}`],
  "merge.undo-asked": () => ["plain", "asked to be taken back"],
  "merge.undo-started": ({ how }) => [
    "busy",
    how === "back" ? "the target is being moved back" : "what takes it back is being checked",
  ],
  "merge.undo-tested": () => ["plain", "check passed without it"],
  "merge.undo-held": ({ why }) => ["alert", because("taking it back is held", why)],
  "merge.undo-requeued": ({ why }) => ["dim", because("taken back anew", why)],
  "merge.undo-refused": ({ why }) => ["bad", because("not taken back", why)],
  "merge.undone": ({ commit, how }) => [
    "alert",
    how === "back" ? `taken back: the target is at ${short(commit)} again` : `taken back by ${short(commit)}`,
  ],
  "worktree.removal-asked": () => undefined,
  "worktree.removed": ({ saved }) => [
    "dim",
    saved ? `worktree removed, its work is kept in ${saved}` : "worktree removed",
  ],
  "worktree.kept": ({ why }) => ["alert", because("worktree stays", why)],
  "lane.restore-asked": () => undefined,
  "lane.restored": ({ why }) => ["good", why || "restored"],
  "lane.restore-failed": ({ why }) => ["alert", because("not restored", why)],
  "trash.dropped": ({ refs }) => ["dim", `${refs?.length ?? 0} kept lanes let go of after 30 days`],
  "tracker.patched": ({ changes, left, kept }) => [
    left?.length > 0 ? "alert" : "plain",
    `tracker edited: ${changes?.length ?? 0} fields${left?.length > 0 ? `, ${left.length} not taken over${reasonOf(left)}${kept === undefined ? "" : ` (${kept})`}` : ""}`,
  ],
  "lease.asked": ({ paths, start }) => (start ? undefined : ["plain", `asks for ${few(paths)}`]),
  "lease.renewed": () => undefined,
  "lease.released": ({ id }) => ["dim", `gives claim ${id} back`],
  "lease.broken": ({ id, why }) => ["alert", because(`claim ${id} was broken`, why)],
  "lease.expired": ({ id, why }) => ["alert", because(`claim ${id} expired`, why)],
  "lease.yielded": ({ lanes }) => ["alert", `gives way: ${(lanes ?? []).join(", ")} waited for each other`],
  "tracker.rejected": ({ why, kept }) => ["alert", because(`an edit of the tracker was put into ${kept}`, why)],
};
