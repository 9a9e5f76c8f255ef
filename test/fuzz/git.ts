/** What git and its files say, under fuzz: paths of any bytes come back as they are, and nothing makes a parser throw or hang. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import fc from "fast-check";
import { expect } from "vitest";

import { isTime } from "../../src/core/foreign.ts";
import { numbersOf } from "../../src/git/ahead.ts";
import { parseConflict } from "../../src/git/candidate.ts";
import { driverGuards, parseConfigured } from "../../src/git/guard.ts";
import { findLayoutFast } from "../../src/git/layout-fast.ts";
import { parseRefs } from "../../src/git/refs.ts";
import { parseStatus } from "../../src/git/status.ts";
import { damaged, damagedText, type Fuzz } from "./fuzz.ts";

/** Anything that a path may hold: all but NUL. */
const path = fc
  .string({
    unit: fc.oneof(fc.constantFrom(...'\n\t "\\/é\u{1b}12uR? '.split("")), fc.string({ maxLength: 1 })),
    minLength: 1,
    maxLength: 9,
  })
  .map((text) => text.replaceAll("\0", "x"));
const oid = fc.constantFrom("a".repeat(40), "0".repeat(40));

const statusLine = fc.oneof(
  path.map((name) => ({ text: `1 .M N... 100644 100644 100644 ${"a".repeat(40)} ${"b".repeat(40)} ${name}\0`, name })),
  path.map((name) => ({ text: `? ${name}\0`, name })),
  path.map((name) => ({
    text: `u UU N... 100644 100644 100644 100644 ${"a".repeat(40)} ${"b".repeat(40)} ${"c".repeat(40)} ${name}\0`,
    name,
  })),
  fc.tuple(path, path).map(([name, from]) => ({
    text: `2 R. N... 100644 100644 100644 ${"a".repeat(40)} ${"b".repeat(40)} R100 ${name}\0${from}\0`,
    name,
  })),
);

const status: Fuzz = {
  name: "git status: paths of any kind are told as they are; any other text is only left out",
  cases: 8000,
  run: (dice) =>
    fc.assert(
      fc.property(fc.array(statusLine, { maxLength: 6 }), fc.string({ unit: "binary" }), (lines, noise) => {
        const text = lines.map((line) => line.text).join("");
        expect(parseStatus(text).map((one) => one.path)).toEqual(lines.map(({ name }) => name));
        for (const one of parseStatus(noise + text + noise)) expect(one.path).not.toContain("\0");
      }),
      dice,
    ),
};

const refRow = fc.record({
  ref: fc.constantFrom("refs/heads/main", "refs/heads/lane/a/work", "refs/heads/日本"),
  head: oid,
  date: fc.oneof(fc.nat().map(String), fc.constantFrom("", "-5", "99999999999999999999", "x", "1e400")),
  worktree: fc.oneof(
    fc.constant(""),
    path.map((name) => `/${name}`),
  ),
  subject: fc.string({ unit: "binary" }).map((text) => text.replaceAll(/[\0\n]/g, "x")),
});

const refs: Fuzz = {
  name: "git for-each-ref: every branch is told as it is, at a time that a calendar has",
  cases: 8000,
  run: (dice) =>
    fc.assert(
      fc.property(
        fc.array(refRow, { maxLength: 5 }),
        damagedText(["refs/heads/main", "aa", "1", "", "s", "\n"].join("\0")),
        (rows, noise) => {
          const text = rows.map((row) => `${Object.values(row).join("\0")}\0\n`).join("");
          const found = parseRefs(text);
          expect(found.map(({ ref, head, worktree, subject }) => ({ ref, head, worktree, subject }))).toEqual(
            rows.map(({ ref, head, worktree, subject }) => ({ ref, head, worktree: worktree || undefined, subject })),
          );
          for (const { committedAt } of [...found, ...parseRefs(noise)]) expect(isTime(committedAt)).toBe(true);
          for (const count of Object.values(numbersOf(noise, " "))) expect(Number.isSafeInteger(count)).toBe(true);
        },
      ),
      dice,
    ),
};

const message = fc.record({
  paths: fc.array(path, { minLength: 1, maxLength: 3 }),
  kind: fc.constantFrom("CONFLICT (contents)", "CONFLICT (modify/delete)", "Auto-merging"),
});

const conflicts: Fuzz = {
  name: "git merge-tree: paths and kinds of a conflict are told as they are; nonsense ends the parse",
  cases: 15_000,
  run: (dice) => {
    const field = fc.oneof(fc.constantFrom("", "0", "1", "-1", "-3", "-4", "1e9", "0.5", "NaN", "CONFLICT (x)"), path);
    fc.assert(
      fc.property(fc.array(message, { maxLength: 4 }), fc.array(field, { maxLength: 12 }), (messages, fields) => {
        const told = messages.map(({ paths, kind }) => [paths.length, ...paths, kind, "text\n"].join("\0")).join("\0");
        const ofKind = messages.filter(({ kind }) => kind.startsWith("CONFLICT"));
        expect(parseConflict(`${"a".repeat(40)}\0\0${told}\0`)).toEqual({
          paths: [...new Set(ofKind.flatMap(({ paths }) => paths))].toSorted(),
          kinds: [...new Set(ofKind.map(({ kind }) => kind.slice(10, -1)))],
        });
        parseConflict(fields.join("\0"));
        parseConflict(`${"a".repeat(40)}\0\0${told}\0${fields.join("\0")}`);
      }),
      dice,
    );
  },
};

const configured: Fuzz = {
  name: "git config: whatever drivers a repository names, each is taken out again by name",
  cases: 10_000,
  run: (dice) => {
    const key = fc
      .tuple(fc.constantFrom("filter", "merge", "lfs"), path, fc.constantFrom("clean", "process", "driver", "required"))
      .map((parts) => parts.join("."));
    const entry = fc.record({ scope: fc.constantFrom("local", "global", "worktree"), key, value: path });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 5 }), fc.string({ unit: "binary" }), (entries, noise) => {
        const text = entries.map(({ scope, key: name, value }) => `${scope}\0${oneLine(name)}\n${value}\0`).join("");
        const found = parseConfigured(text);
        expect(found).toEqual(entries.map((one) => ({ ...one, key: oneLine(one.key) })));
        const guarded = new Set(driverGuards(found).map(([name]) => name));
        for (const { scope, key: name } of found)
          if (scope !== "global" && /^(?:filter\..*\.(?:clean|process)|merge\..*\.driver)$/.test(name))
            expect(guarded).toContain(name);
        parseConfigured(noise);
      }),
      dice,
    );
  },
};

/** A section's name holds no line break: git refuses it. */
const oneLine = (text: string): string => text.replaceAll("\n", "x");

const gitFiles: Fuzz = {
  name: "a worktree's .git file and what it leads to may say anything: the layout is found, or git is asked",
  cases: 800,
  run: (dice) => {
    const top = realpathSync(mkdtempSync(join(tmpdir(), "lanes-fuzz-")));
    const git = (...words: readonly string[]): void => {
      execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", ...words], { cwd: top });
    };
    try {
      git("init", "-q", "-b", "main");
      git("commit", "-q", "--allow-empty", "-m", "one");
      git("worktree", "add", "-q", join(top, "side"));
      git("worktree", "add", "-q", join(top, ".worktrees", "a"));
      const admin = join(top, ".git", "worktrees", "side");
      const files = [
        join(top, "side", ".git"),
        join(admin, "commondir"),
        join(admin, "gitdir"),
        join(top, ".git", "config"),
      ];
      const before = files.map((file) => readFileSync(file));
      const links = ["/etc", `/${"x/".repeat(3000)}`, "x".repeat(300), "a\0b", top, "..", ".", ""];
      const odd = fc.constantFrom(
        ...links.flatMap((to) => [`gitdir: ${to}\n`, `${to}\n`, `[core]\n\tworktree = ${to}\n`]),
      );
      const found = fc.oneof(
        odd.map((text) => Buffer.from(text)),
        damaged(fc.constantFrom(...before)),
      );
      mkdirSync(join(top, "side", "deep"));
      fc.assert(
        fc.property(fc.nat(files.length - 1), found, (at, bytes) => {
          const [file = "", whole = Buffer.alloc(0)] = [files[at], before[at]];
          writeFileSync(file, bytes);
          try {
            for (const cwd of [top, join(top, "side"), join(top, "side", "deep")]) {
              const layout = findLayoutFast(cwd);
              if (layout) expect(layout.common).toBe(join(top, ".git"));
            }
            // A lane is found by its place, whatever the files of others say.
            expect(findLayoutFast(join(top, ".worktrees", "a"))).toMatchObject({ insideLane: "a", home: top });
          } finally {
            writeFileSync(file, whole);
          }
        }),
        dice,
      );
    } finally {
      rmSync(top, { recursive: true, force: true });
    }
  },
};

/** The inputs that come from git. */
export const gitFuzz: readonly Fuzz[] = [status, refs, conflicts, configured, gitFiles];
