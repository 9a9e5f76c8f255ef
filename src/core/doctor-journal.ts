/** Judgement on the state folder, the log and what the records say of processes. */
import { fine, type Finding, span, word } from "./finding.ts";
import type { JournalFacts, Kind, WorkFacts } from "./health.ts";

const kinds: Readonly<Record<Kind, string>> = {
  absent: "nothing",
  file: "a file",
  folder: "a folder",
  link: "a symbolic link",
  pipe: "a pipe",
  other: "something else",
};

/** The lock of polite scripts is held for moments; one that is older than this was left behind, in ms. */
const lockStaleMs = 10_000;

/** Folder, modes, log, published files, the lock. */
export const judgeJournal = (journal: JournalFacts, home: string): readonly Finding[] => {
  const { folder } = journal;
  if (folder.is === "absent") return [fine("state", "not prepared yet: nothing is recorded (lanes init)")];
  if (folder.is !== "folder") {
    const what = `${kinds[folder.is]} stands in the place of the state folder`;
    return [{ check: "state", level: "fail", what, where: folder.path, fix: aside(folder.path, home) }];
  }
  return [
    ...judgeFolder(journal, home),
    ...judgeLog(journal, home),
    ...judgePublished(journal, home),
    ...judgeRefused(journal, home),
    ...judgeLock(journal, home),
  ];
};

const aside = (path: string, home: string): string => `mv ${word(path, home)} ${word(`${path}.aside`, home)}`;

const judgeFolder = ({ folder, open }: JournalFacts, home: string): readonly Finding[] => {
  if (!folder.mine) {
    const fix = `sudo chown -R "$(id -un)" ${word(folder.path, home)}`;
    return [
      { check: "state", level: "fail", what: "the state folder belongs to another user", where: folder.path, fix },
    ];
  }
  if (open.length === 0) return [fine("state", "the state folder is yours alone")];
  return open.map(({ path, mode, wanted }) => ({
    check: "state",
    // Whoever can write here can forge records: then nothing is believed any more.
    level: (mode & 0o022) !== 0 && path === folder.path ? "fail" : "warn",
    what: `others may ${(mode & 0o022) !== 0 ? "change" : "read"} this (mode ${(mode & 0o7777).toString(8)})`,
    where: path,
    fix: `chmod ${wanted.toString(8)} ${word(path, home)}`,
    mend: { type: "mode", path, mode: wanted },
  }));
};

/** Nothing can bring back what a damaged line said, and nothing is taken out of the log. */
const damagedText =
  "nothing has to be done: the lines stay in the log and count for nothing; lanes repair --dry-run lists them";

const judgeLog = ({ log }: JournalFacts, home: string): readonly Finding[] => {
  const [check, where] = ["log", log.path] as const;
  if (log.is === "absent") return [fine(check, "there are no records yet")];
  if (log.is !== "file") {
    const what = `${kinds[log.is]} stands in the place of the log: nothing can be recorded or shown`;
    return [{ check, level: "fail", what, where, fix: aside(log.path, home) }];
  }
  if (log.unreadable !== undefined) {
    const what = `the log cannot be read (${log.unreadable})`;
    return [{ check, level: "fail", what, where, fix: `chmod u+rw ${word(log.path, home)}` }];
  }
  const found: Finding[] = [];
  if (log.damagedCount > 0) {
    const lines = `${log.damaged.join(", ")}${log.damagedCount > log.damaged.length ? ", …" : ""}`;
    const what = `${log.damagedCount} damaged line${log.damagedCount === 1 ? " is" : "s are"} passed over (position ${lines}): what ${log.damagedCount === 1 ? "it" : "they"} said is lost, all other records hold`;
    found.push({ check, level: "warn", what, where, fix: damagedText });
  }
  if (log.torn) {
    const what = "the last line of the log has no end: its writer was killed, or somebody edited the log";
    found.push({ check, level: "warn", what, where, fix: "lanes doctor --fix", mend: { type: "end-line" } });
  }
  return found.length > 0 ? found : [fine(check, "the log is whole")];
};

const judgePublished = ({ misplaced }: JournalFacts, home: string): readonly Finding[] =>
  misplaced.length === 0
    ? [fine("tracker", "published files are what they should be")]
    : misplaced.map(({ path, is, bytes }) => ({
        check: "tracker",
        level: "warn",
        what:
          is === "file"
            ? `this file has ${Math.floor(bytes / 1_048_576)} MiB: it is not read`
            : `${kinds[is]} stands in the place of a published file`,
        where: path,
        fix: aside(path, home),
        mend: { type: "set-aside", path },
      }));

const judgeRefused = ({ refused }: JournalFacts, home: string): readonly Finding[] => {
  const check = "edits";
  const { path, names, count } = refused;
  if (count === 0) return [fine(check, "no edit of tracker.json was refused")];
  const what = `${count} edit${count === 1 ? "" : "s"} of tracker.json ${count === 1 ? "was" : "were"} not taken over, or not all of ${count === 1 ? "it" : "them"}: ${count > names.length ? "…, " : ""}${names.join(", ")}`;
  const seen = word(`${path}/${names.at(-1) ?? ""}`, home);
  const fix = `cat ${seen}   (lanes events says why; what you still want: lanes tracker patch JSON; then remove it)`;
  return [{ check, level: "warn", what, where: path, fix }];
};

const judgeLock = ({ lock }: JournalFacts, home: string): readonly Finding[] => {
  if (!lock || Math.abs(lock.ageMs) <= lockStaleMs) return [fine("tracker-lock", "nobody has left the tracker locked")];
  const age = lock.ageMs < 0 ? "dated in the future" : `${span(lock.ageMs)} old`;
  const shape = lock.full ? "a folder with something in it" : kinds[lock.is];
  return [
    {
      check: "tracker-lock",
      level: "warn",
      what: `a lock on tracker.json was left behind (${shape}, ${age}): polite scripts wait for it`,
      where: lock.path,
      fix: aside(lock.path, home),
      mend: { type: "set-aside", path: lock.path },
    },
  ];
};

/** The engine, lost runs, processes that belong to no run any more. */
export const judgeWork = (work: WorkFacts, now: number): readonly Finding[] => {
  if (!work.initialised) return [];
  return [...judgeEngine(work, now), ...judgeRuns(work), ...judgeVersion(work)];
};

const judgeEngine = ({ engine, needed }: WorkFacts, now: number): readonly Finding[] => {
  const check = "engine";
  if (engine?.is === "alive") return [fine(check, `the engine works (pid ${engine.pid})`)];
  if (engine?.is === "frozen") {
    const what = `the engine (pid ${engine.pid}, elected ${span(now - engine.at)} ago) is frozen${needed ? ": nothing goes on" : ""}`;
    const mend = needed ? { mend: { type: "start-engine" } as const } : {};
    return [{ check, level: needed ? "fail" : "warn", what, fix: `kill -CONT ${engine.pid}`, ...mend }];
  }
  if (!needed) {
    const what = engine?.is === "dead" ? "the last engine was killed; none is needed now" : "no engine is needed now";
    return [fine(check, what)];
  }
  const what =
    engine?.is === "dead"
      ? `the engine (pid ${engine.pid}, elected ${span(now - engine.at)} ago) is dead, and there is work to do`
      : "there is work to do and no engine";
  return [{ check, level: "fail", what, fix: "lanes engine start", mend: { type: "start-engine" } }];
};

const judgeRuns = ({ lanes, orphans }: WorkFacts): readonly Finding[] => {
  const lost = lanes
    .filter(({ state }) => state === "lost")
    .map(({ id }): Finding => {
      const what = `the run of ${id} was lost: nobody knows how it ended`;
      return { check: "runs", level: "warn", what, where: `lane ${id}`, fix: `lanes retry ${id}` };
    });
  const orphaned = orphans.map(({ run, pids }): Finding => {
    const what = `${pids.length} process${pids.length === 1 ? "" : "es"} of the finished run ${run} still live${pids.length === 1 ? "s" : ""}`;
    return { check: "runs", level: "warn", what, where: `pid ${pids.join(", ")}`, fix: `kill ${pids.join(" ")}` };
  });
  const found = [...lost, ...orphaned];
  return found.length > 0 ? found : [fine("runs", "no run was lost, and none left processes behind")];
};

const judgeVersion = ({ newer }: WorkFacts): readonly Finding[] =>
  newer === 0
    ? []
    : [
        {
          check: "version",
          level: "fail",
          what: `${newer} record${newer === 1 ? " was" : "s were"} written by a newer lanekeeper and ${newer === 1 ? "is" : "are"} not understood`,
          fix: "npm install -g lanekeeper",
        },
      ];
