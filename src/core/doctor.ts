/** Facts → findings: what `lanes doctor` says. Pure; looking is the drivers' work. */
import { judgeBox, judgeClock, judgeSettings } from "./doctor-box.ts";
import { judgeGit, judgeRepository } from "./doctor-git.ts";
import { judgeJournal, judgeWork } from "./doctor-journal.ts";
import { type Finding, type Level, presentable } from "./finding.ts";
import type { Health } from "./health.ts";

/** Every check with what it found, in the order of the report. Where looking itself failed, that is the finding. */
export const diagnose = (health: Health): readonly Finding[] => {
  const { now, box, git, settings, journal, work } = health;
  const home = typeof box === "string" ? "" : box.home;
  const known = typeof work === "string" ? undefined : work;
  const findings = [
    ...judged("machine", box, judgeBox),
    ...judged("git", git, judgeGit),
    ...(typeof git === "string" || !git.inside ? [] : judgeRepository(git.inside, known, home)),
    ...judged("config", settings, (seen) => judgeSettings(seen, home)),
    ...judged("state", journal, (seen) => judgeJournal(seen, home)),
    ...judged("journal", journal, (seen) => judgeClock(now, seen.log.newestAt), true),
    ...judged("records", work, (seen) => judgeWork(seen, now), isBrokenLog(journal)),
  ];
  return findings.map((finding) => presentable(finding, home));
};

/** The worst of some findings; `ok` for none. */
export const worstLevel = (findings: readonly Finding[]): Level => {
  if (findings.some(({ level }) => level === "fail")) return "fail";
  return findings.some(({ level }) => level === "warn") ? "warn" : "ok";
};

/** `told`: why looking failed is said elsewhere. */
const judged = <Facts extends object>(
  check: string,
  seen: Facts | string | undefined,
  judge: (seen: Facts) => readonly Finding[],
  told = false,
): readonly Finding[] => {
  if (seen === undefined) return [];
  if (typeof seen !== "string") return judge(seen);
  const fix = "lanes -v doctor";
  return told ? [] : [{ check, level: "fail", what: `this could not be looked at: ${seen}`, fix }];
};

const isBrokenLog = (journal: Health["journal"]): boolean =>
  typeof journal === "object" &&
  (journal.folder.is !== "folder" ||
    !journal.folder.mine ||
    journal.open.length > 0 ||
    (journal.log.is !== "file" && journal.log.is !== "absent") ||
    journal.log.unreadable !== undefined);
