/** `doctor [--fix]`: what is wrong with this machine and repository, and what mends it. */
import { worstLevel } from "../core/doctor.ts";
import type { Finding, Level } from "../core/finding.ts";
import type { Tone } from "../core/state.ts";
import type { Doctor } from "../engine/doctor.ts";
import { type Call, flagOf } from "./call.ts";
import { type Answer, exit, no } from "./exit.ts";
import { count } from "./report.ts";
import { paint, styleOf } from "./terminal.ts";

/** Look, mend what is safe when asked to, and say what is left. Exit 1 when something keeps lanes from working. */
export const doctor = async (call: Call): Promise<Answer> => {
  const practice = await call.shell.doctor?.(call.globals.repo);
  if (!practice) return no("this program was built without its doctor", "install lanekeeper anew", exit.internal);
  const first = await practice.examine();
  const fixed = flagOf(call, "fix") ? await mendAll(call, practice, first) : [];
  const findings = flagOf(call, "fix") ? await practice.examine() : first;
  if (call.globals.json) call.output.printJson(jsonOf(findings, fixed));
  else print(call, findings, fixed);
  return worstLevel(findings) === "fail" ? exit.failed : exit.done;
};

/** One repair after the other; one that fails is told and the others go on. */
const mendAll = async (call: Call, practice: Doctor, findings: readonly Finding[]): Promise<readonly Finding[]> => {
  const fixed: Finding[] = [];
  for (const finding of findings) {
    if (!finding.mend) continue;
    try {
      if (await practice.mend(finding.mend)) fixed.push(finding);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      call.output.say(`could not fix ${finding.check}: ${error.message.split("\n", 1)[0] ?? ""}`);
    }
  }
  return fixed;
};

const jsonOf = (findings: readonly Finding[], fixed: readonly Finding[]): object => ({
  level: worstLevel(findings),
  findings: findings.map(({ mend, ...finding }) => ({ ...finding, fixable: mend !== undefined })),
  fixed: fixed.map(({ mend: _mend, ...finding }) => finding),
});

const marks: Readonly<Record<Level, readonly [utf8: string, ascii: string, tone: Tone]>> = {
  ok: ["✓", "ok  ", "good"],
  warn: ["!", "warn", "alert"],
  fail: ["✗", "FAIL", "bad"],
};

const print = (call: Call, findings: readonly Finding[], fixed: readonly Finding[]): void => {
  const { output, globals, shell } = call;
  const style = styleOf(shell.stdout, shell.environment, globals.plain);
  const width = Math.max(...findings.map(({ check }) => check.length)) + 2;
  for (const { check, what } of fixed) output.printDrawn(`fixed ${check}: ${what}`);
  for (const { check, level, what, where, fix } of findings) {
    if (level === "ok" && globals.quiet) continue;
    const [utf8, ascii, tone] = marks[level];
    const mark = style.utf8 ? utf8 : ascii;
    const indent = " ".repeat(mark.length + 1 + width);
    output.printDrawn(`${paint(style, tone, mark)} ${check.padEnd(width)}${what}`);
    if (where !== undefined) output.printDrawn(`${indent}in  ${where}`);
    if (fix !== undefined) output.printDrawn(`${indent}fix ${fix}`);
  }
  if (!globals.quiet || worstLevel(findings) !== "ok") output.printDrawn(sumOf(findings));
};

const sumOf = (findings: readonly Finding[]): string => {
  const [fails, warnings] = (["fail", "warn"] as const).map((wanted) =>
    findings.filter(({ level }) => level === wanted),
  );
  if (fails?.length === 0 && warnings?.length === 0) return "all is well";
  const parts = [count(fails?.length ?? 0, "problem"), count(warnings?.length ?? 0, "warning")];
  const help = findings.some(({ mend }) => mend) ? "; lanes doctor --fix mends what is safe to mend" : "";
  return parts.filter((part) => !part.startsWith("0 ")).join(", ") + help;
};
