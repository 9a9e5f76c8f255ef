/** Steps that start, watch and end runs. Each may be repeated, or cut off anywhere, without harm. */
import { branchOf, runOf, strayText } from "../core/id.ts";
import { isNo, type LaneSeen, type No, type RunSeen } from "../core/observed.ts";
import { isManual, leaseAtStart, portFor } from "../core/schedule.ts";
import type { Lane } from "../core/state.ts";
import type { Restored } from "../port.ts";
import { type Ended, lostVerdict, setupFailedCode, verdict } from "../core/verdict.ts";
import { graceMs, outputOf, poolOf, portsOf, roomFault } from "./policy.ts";
import { setupOf } from "./setup.ts";
import { conversationOf, launchOf, modeOf } from "./worker.ts";
import { leadsStill, reasonOf, targetOf, tell, type Work } from "./work.ts";

/** Record that the lane's next run was asked for, and on which commit it begins. */
export const take = async (work: Work, lane: Lane): Promise<void> => {
  const held = roomFault(work.world.host.room(), work.rules.config);
  if (held !== undefined) {
    // Megabytes come and go: once it is said, it is said.
    if (!lane.detail.startsWith("waits for room"))
      await tell(work, lane, [{ type: "lane.held", key: lane.id, why: held }]);
    return;
  }
  const n = (lane.run?.n ?? 0) + 1;
  // A run whose end nobody saw may have left processes, even when its folder was deleted: two agents must not share a worktree.
  if (lane.run && lane.run.code === undefined && !isManual(lane))
    await work.world.host.stop(runOf(lane.id, lane.run.n), graceMs);
  const base = await baseOf(work, lane);
  const port = isManual(lane) ? undefined : portFor(work.ledger.state, lane, portsOf(work.rules.config));
  const leased = port === undefined ? {} : { port };
  const talk = isManual(lane) ? {} : conversationOf(lane, work.rules.config, work.world.clock.id());
  const asked = { type: "run.asked", key: lane.id, n, base: isNo(base) ? "" : base.base, ...leased, ...talk } as const;
  if (isNo(base))
    await tell(work, lane, [asked, { type: "lane.failed", key: lane.id, why: `${base.refused}; ${base.hint}` }]);
  else await tell(work, lane, [asked, ...leaseAtStart(work.ledger.state, lane)]);
};

/** A lane that ran before goes on from where it began; a new one starts at its target with the work of its dependencies. */
const baseOf = async (work: Work, lane: Lane): Promise<{ readonly base: string } | No> => {
  const { git } = work.world;
  if (lane.run && lane.run.base !== "" && !isNo(await git.tip(branchOf(lane.id)))) return { base: lane.run.base };
  const tip = await git.tip(lane.spec.base ?? targetOf(work, lane));
  if (isNo(tip)) return tip;
  const heads: string[] = [];
  for (const id of lane.spec.dependsOn) {
    if (work.ledger.state.lanes.get(id)?.state === "merged") continue;
    const head = await git.tip(branchOf(id));
    if (isNo(head)) return head;
    heads.push(head.head);
  }
  return heads.length === 0 ? { base: tip.head } : git.baseFor(tip.head, heads);
};

/** Make branch and worktree, then start the launcher. A second start of the same run is no second run. */
export const start = async (work: Work, lane: Lane, n: number): Promise<void> => {
  const { git, host } = work.world;
  const opened = await git.openLane(lane.id, lane.run?.base ?? "");
  if (isNo(opened)) {
    await tell(work, lane, [{ type: "lane.failed", key: lane.id, why: `${opened.refused}; ${opened.hint}` }]);
    return;
  }
  const furnished = await git.furnish(lane.id);
  if (furnished.left.length > 0)
    work.world.log.warn("not copied into the lane", { lane: lane.id, paths: furnished.left.slice(0, 20) });
  if (isManual(lane)) {
    const why = "you work in this lane";
    await tell(work, lane, [
      { type: "lane.opened", key: lane.id, base: lane.run?.base ?? "" },
      { type: "lane.waiting", key: lane.id, why, paths: [] },
    ]);
    return;
  }
  const unsaved = await rolledBack(work, lane);
  if (unsaved) {
    await tell(work, lane, [{ type: "lane.failed", key: lane.id, why: `${unsaved.refused}; ${unsaved.hint}` }]);
    return;
  }
  const run = runOf(lane.id, n);
  const launch = launchOf(lane, work.rules.config, {
    cwd: opened.path,
    folder: host.placeOf(run),
    git: { own: opened.admin, common: work.world.layout.common },
  });
  if ("missing" in launch) {
    await tell(work, lane, [{ type: "lane.failed", key: lane.id, why: launch.missing }]);
    return;
  }
  const { held } = work.rules;
  if (held !== undefined) {
    await tell(work, lane, [{ type: "lane.failed", key: lane.id, why: held }]);
    return;
  }
  const setup = setupOf(work.rules.config.setup, furnished);
  await host.place(run, launch.files);
  const tasks = await host.brief(run, briefOf(lane));
  const env = {
    ...(await git.identity()),
    ...launch.env,
    LANES_TASKS: tasks,
    ...acceptanceOf(lane),
    ...portEnv(lane),
    ...setup.env,
  };
  const lent = host.lent(lane.id);
  await host.start({
    run,
    lane: lane.id,
    cwd: opened.path,
    argv: [...setup.argv, ...accepted(lane, launch.argv)],
    env,
    isLane: true,
    ...(lent === undefined ? {} : { lent }),
    ...outputOf(work.rules.config),
  });
};

/** Before a run that follows a failed one, where the lane wants that: keep what is there, and begin at its base. */
const rolledBack = async (work: Work, lane: Lane): Promise<No | undefined> => {
  // An agent that somebody else started meanwhile may be at work there.
  if (lane.spoiled !== true || !(await leadsStill(work))) return undefined;
  const done = await work.world.git.rollBack(lane.id, lane.run?.base ?? "");
  if (isNo(done)) return done;
  if (done.saved !== undefined) {
    const base = lane.run?.base ?? "";
    await tell(work, lane, [{ type: "lane.rolled-back", key: lane.id, saved: done.saved, base }]);
  }
  return undefined;
};

/** What an agent may read about its lane: the file that LANES_TASKS names. */
const briefOf = (lane: Lane): string => {
  const { tasks, acceptance, paths, prompt, name } = lane.spec;
  return `${JSON.stringify(
    {
      lane: lane.id,
      name,
      tasks: tasks.map((title, index) => ({ id: `${index + 1}`, title, status: "open" })),
      acceptance: acceptance ?? null,
      paths,
      prompt: prompt ?? null,
      ...(lane.note === undefined ? {} : { note: lane.note }),
      context: [],
    },
    null,
    2,
  )}\n`;
};

const acceptanceOf = (lane: Lane): Readonly<Record<string, string>> =>
  lane.spec.acceptance === undefined ? {} : { LANES_ACCEPTANCE: lane.spec.acceptance };

/** The lane's acceptance command runs after the agent, in the same run: its failure is the run's. */
const accepted = (lane: Lane, argv: readonly string[]): readonly string[] =>
  lane.spec.acceptance === undefined
    ? argv
    : [
        "sh",
        "-c",
        '"$@" || exit; echo "lanes: acceptance: $LANES_ACCEPTANCE"; exec sh -c "$LANES_ACCEPTANCE"',
        "lanes",
        ...argv,
      ];

const portEnv = ({ run }: Lane): Readonly<Record<string, string>> =>
  run?.port === undefined ? {} : { LANES_PORT: String(run.port) };

/** Record that the launcher has started the agent. */
export const noteStart = async (
  work: Work,
  lane: Lane,
  n: number,
  seen: Extract<RunSeen, { is: "alive" | "exited" }>,
): Promise<void> => {
  const mode = lane.run?.cli === undefined ? {} : modeOf(lane, work.rules.config);
  await tell(work, lane, [
    { type: "run.started", key: lane.id, n, process: seen.process, at: seen.startedAt, ...mode },
  ]);
};

/** Judge a run that is over by what git shows. */
export const finish = async (
  work: Work,
  lane: Lane,
  n: number,
  seen: Extract<RunSeen, { is: "exited" }>,
): Promise<void> => {
  // What the agent left running would go on writing, in a lane that is judged now, lands, or is started again.
  const left = await work.world.host.stop(runOf(lane.id, n), graceMs);
  if (left.length > 0) work.world.log.warn("processes did not end", { lane: lane.id, pids: left });
  const commits = lane.spec.commit === "auto" && seen.code === 0 && !lane.stopping;
  const uncommitted = commits ? await commitFor(work, lane) : undefined;
  const told = await work.ears.last(lane);
  const ended = {
    ...(await evidence(work, lane, n, seen)),
    ...(uncommitted === undefined ? {} : { uncommitted }),
    ...(told ? { told } : {}),
    ...(seen.code === setupFailedCode && (await hasSetupFailed(work, lane)) ? { setupFailed: true as const } : {}),
  };
  await tell(work, lane, verdict(lane, ended, work.world.clock.now()));
};

/** An agent may end with the code of a failed setup too. */
const hasSetupFailed = async (work: Work, lane: Lane): Promise<boolean> => {
  if (work.rules.config.setup === undefined) return false;
  try {
    return !(await work.world.git.furnish(lane.id)).isSetUp;
  } catch (error) {
    work.world.log.warn("cannot tell whether it was set up", { lane: lane.id, why: reasonOf(error) });
    return false;
  }
};

/** The folder that a probe may change; also where a lane's results are looked for. */
const generated = "docs/_generated";

/** Commit what the agent left; why not, when git refuses (a lock that was left, a worktree that is gone, a full disk). */
const commitFor = async (work: Work, lane: Lane): Promise<string | undefined> => {
  const title = lane.spec.tasks[0] ?? lane.spec.name;
  const within = lane.spec.kind === "probe" ? generated : undefined;
  try {
    await work.world.git.commitAll(lane.id, `${title.split("\n", 1)[0] ?? title}\n\nLane: ${lane.id}\n`, within);
    return undefined;
  } catch (error) {
    return `its work could not be committed: ${reasonOf(error)}`;
  }
};

const evidence = async (
  work: Work,
  lane: Lane,
  n: number,
  seen: Extract<RunSeen, { is: "exited" }>,
): Promise<Ended> => {
  const { git } = work.world;
  const look = await git.observe({ target: targetOf(work, lane), status: [lane.id] });
  const laneSeen = look.lanes.get(lane.id);
  const base = lane.run?.base ?? "";
  const head = laneSeen?.head ?? "";
  const grown = head !== "" && head !== base && !(await git.contains(base, head));
  const changed = grown ? await git.changed(base, head) : [];
  return {
    n,
    code: seen.code,
    ...(seen.signal === undefined ? {} : { signal: seen.signal }),
    endedAt: seen.endedAt,
    ranMs: seen.ranMs,
    head,
    commits: grown ? 1 : 0,
    dirty: dirtyOf(lane, laneSeen),
    ...(laneSeen?.worktree === "elsewhere" ? { elsewhere: strayText(lane.id, laneSeen.on) } : {}),
    results: changed.filter((path) => path.startsWith(`${generated}/`)),
  };
};

/** What a probe leaves outside its folder is not its work: it stays uncommitted and blocks nothing. */
const dirtyOf = (lane: Lane, seen: LaneSeen | undefined): readonly string[] =>
  lane.spec.kind === "probe"
    ? (seen?.dirty ?? []).filter((path) => path.startsWith(`${generated}/`))
    : (seen?.dirty ?? []);

/** Record that a run is gone without a trace of how it ended. */
export const lose = async (work: Work, lane: Lane): Promise<void> => {
  await tell(work, lane, lostVerdict(lane, work.world.clock.now(), await work.ears.last(lane)));
};

/** End a run's whole tree. What became of it is seen, and recorded, by the next look. */
export const stop = async (work: Work, lane: Lane, n: number): Promise<void> => {
  const left = await work.world.host.stop(runOf(lane.id, n), graceMs);
  if (left.length > 0) work.world.log.warn("processes did not end", { lane: lane.id, pids: left });
};

/** Queue a failed lane again after its wait. */
export const requeue = async (work: Work, lane: Lane): Promise<void> => {
  await tell(work, lane, [{ type: "lane.queued", key: lane.id, why: `tried again after: ${lane.detail}` }]);
};

/** Remove a worktree whose work is on the target or, where that is wished, kept; or say why it stays. */
export const remove = async (work: Work, lane: Lane): Promise<void> => {
  const { id: key } = lane;
  const { removed, why, kept, saved } = await work.world.git.closeLane(key, targetOf(work, lane), {
    save: lane.saves === true,
    pool: poolOf(work.rules.config),
    undone: lane.undone !== undefined,
  });
  const where = { ...(kept === undefined ? {} : { kept }), ...(saved === undefined ? {} : { saved }) };
  await tell(work, lane, [removed ? { type: "worktree.removed", key, ...where } : { type: "worktree.kept", key, why }]);
};

/** Bring a lane back as it was kept, or say why not. */
export const restore = async (work: Work, lane: Lane, n: number | undefined): Promise<void> => {
  const { id: key } = lane;
  const back = await work.world.git.restoreLane(key, n);
  if (isNo(back)) {
    await tell(work, lane, [{ type: "lane.restore-failed", key, why: `${back.refused}; ${back.hint}` }]);
    return;
  }
  const { files, commits, busy, on } = back;
  const ready = files === 0 && commits > 0 && busy === undefined && on === undefined;
  await tell(work, lane, [{ type: "lane.restored", key, n: back.n, ready, why: restoredText(lane.id, back) }]);
};

const restoredText = (lane: string, { n, files, busy, on }: Restored): string =>
  [
    `restored as it was kept (${n})`,
    ...(files === 0 ? [] : [`${files} file${files === 1 ? " is" : "s are"} not committed`]),
    ...(on === undefined ? [] : [strayText(lane, on === "" ? undefined : on)]),
    ...(busy === undefined ? [] : [`a ${busy} was in progress, its commits and files are there`]),
  ].join("; ");
