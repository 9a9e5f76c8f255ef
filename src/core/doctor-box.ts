/** Judgement on the machine and the settings. */
import { fine, type Finding, short, span, word } from "./finding.ts";
import type { BoxFacts, SettingsFacts } from "./health.ts";

/** Space below which nothing can be recorded any more, and below which worktrees will not fit, in bytes. */
const freeFail = 16 * 1024 * 1024;
const freeWarn = 256 * 1024 * 1024;
/** Files that a checkout needs, roughly. */
const filesFail = 100;
const filesWarn = 5000;
/** Open files below which many lanes do not fit, and below which git itself stumbles. */
const openWarn = 256;
const openFail = 32;

/** Node, open files, disks, tmux, folders of this person. */
export const judgeBox = (box: BoxFacts): readonly Finding[] => [
  ...judgeNode(box.node),
  ...judgeOpenFiles(box.filesMax),
  ...judgeDisks(box),
  box.tmux
    ? fine("tmux", "tmux is installed")
    : {
        check: "tmux",
        level: "warn",
        what: "tmux is not installed: lanes work without it, agents cannot be shown in its windows",
        fix: "apt-get install tmux   (macOS: brew install tmux)",
      },
  ...(box.unwritable.length === 0 ? [fine("account", "settings and trust can be kept")] : []),
  ...box.unwritable.map((path): Finding => ({
    check: "account",
    level: "warn",
    what: "this folder cannot be written: trust and settings will not be kept",
    where: path,
    fix: `chmod u+rwx ${word(path, box.home)}`,
  })),
];

const judgeNode = (version: string): readonly Finding[] => {
  const [major = 0, minor = 0] = version.replace(/^v/, "").split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return [fine("node", `Node ${version.replace(/^v/, "")}`)];
  const what = `Node ${version.replace(/^v/, "")} is too old: 20.19 or newer is needed`;
  return [{ check: "node", level: "fail", what, fix: "install Node 20.19 or newer from https://nodejs.org" }];
};

const judgeOpenFiles = (max: number | undefined): readonly Finding[] => {
  if (max === undefined || max >= openWarn) return [fine("open-files", `${max ?? "many"} open files allowed`)];
  return [
    {
      check: "open-files",
      level: max < openFail ? "fail" : "warn",
      what: `a process may have only ${max} open files: with many lanes they run out`,
      fix: "ulimit -n 4096",
    },
  ];
};

const judgeDisks = ({ disks, home }: BoxFacts): readonly Finding[] => {
  const found = disks.flatMap(({ path, freeBytes, freeFiles }): readonly Finding[] => {
    const few = freeFiles !== undefined && freeFiles < filesWarn;
    if (freeBytes >= freeWarn && !few) return [];
    const none = freeBytes < freeFail || (freeFiles !== undefined && freeFiles < filesFail);
    const left = few ? `room for ${freeFiles} more files` : `${Math.floor(freeBytes / 1_048_576)} MiB free`;
    const what = `the disk is ${none ? "full" : "almost full"}: ${left}`;
    const fix = `du -xh -d 2 ${word(path, home)} | sort -h | tail   (then: lanes cleanup)`;
    return [{ check: "disk", level: none ? "fail" : "warn", what, where: path, fix }];
  });
  return found.length > 0 ? found : [fine("disk", "there is room on the disk")];
};

/** The configuration, what it still may not run, and the programs that it names. */
export const judgeSettings = (settings: SettingsFacts, home: string): readonly Finding[] => {
  const { fault, warnings, untrusted, missing } = settings;
  const config: readonly Finding[] = fault
    ? [
        {
          check: "config",
          level: "fail",
          what: `${fault.refused}: ${fault.hint}`,
          fix: "correct it there, then: lanes doctor",
        },
      ]
    : warnings.map((what) => ({ check: "config", level: "warn", what, fix: "lanes config --explain" }));
  const waiting: readonly Finding[] =
    untrusted === 0
      ? []
      : [
          {
            check: "trust",
            level: "warn",
            what: `${untrusted} command${untrusted === 1 ? "" : "s"} of lanes.config.json wait${untrusted === 1 ? "s" : ""} for your trust`,
            fix: "lanes trust",
          },
        ];
  const absent = missing.map(({ program, by }): Finding => ({
    check: "programs",
    level: "warn",
    what: `the program ${short(program, home)} is not there`,
    where: by,
    fix: `command -v ${word(program, home)}   (install it, put it on PATH, or change ${by})`,
  }));
  return [
    ...(config.length === 0 ? [fine("config", "the configuration is sound")] : config),
    ...waiting,
    ...(absent.length === 0 ? [fine("programs", "every program that is named can be found")] : absent),
  ];
};

/** Clocks that differ by less than this are the same for us, in ms. */
const clockMs = 300_000;
/** Before this the program did not exist: the clock was never set. */
const firstDay = Date.UTC(2025, 0, 1);

/** The clock, against the newest record. */
export const judgeClock = (now: number, newestAt: number): readonly Finding[] => {
  const fix = "timedatectl set-ntp true   (or: date -s)";
  if (now < firstDay) return [{ check: "clock", level: "fail", what: "the clock was never set", fix }];
  if (newestAt - now <= clockMs) return [fine("clock", "the clock agrees with the records")];
  const what = `the clock is behind: the newest record is ${span(newestAt - now)} in the future`;
  return [{ check: "clock", level: "warn", what, fix }];
};
