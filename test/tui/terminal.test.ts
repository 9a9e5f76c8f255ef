import { readFileSync } from "node:fs";

import { expect, test, vi } from "vitest";

import { colouring, erasing, onlyAscii } from "./bytes.ts";
import { openTerminal } from "./terminal.ts";

const leaving = "\u001B[?7h\u001B[?25h\u001B[?1049l";

test("q gives the terminal back as it was and says what goes on", async () => {
  const terminal = await openTerminal(80, 24);
  await terminal.until("ui-table");
  expect(terminal.buffer()).toBe("alternate");
  terminal.write("jjk");
  await terminal.until("2/10");
  terminal.write("q");
  expect(await terminal.exited).toBe(0);
  const screen = await terminal.screen();
  expect(screen).toContain("3 agents keep running; lanes opens this again.");
  expect(screen).not.toContain("ui-table");
  expect(terminal.buffer()).toBe("normal");
  const bytes = terminal.bytes();
  expect(bytes).toContain("\u001B[?1049h\u001B[?7l\u001B[?25l");
  expect(bytes).toContain(leaving);
  expect(bytes).not.toMatch(erasing);
});

test.each([
  ["SIGTERM", 143],
  ["SIGINT", 130],
  ["SIGHUP", 129],
])("%s leaves a sane terminal too", async (signal, code) => {
  const terminal = await openTerminal(80, 24);
  await terminal.until("ui-table");
  terminal.signal(signal);
  expect(await terminal.exited).toBe(code);
  expect(terminal.buffer()).toBe("normal");
  expect(terminal.bytes()).toContain(leaving);
});

test("a terminal that goes away ends the screen", async () => {
  const terminal = await openTerminal(80, 24);
  await terminal.until("ui-table");
  const { pid } = terminal;
  terminal.hangUp();
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { interval: 5, timeout: 15_000 });
});

test("ctrl-z hands the terminal to the shell, and fg brings the screen back", async () => {
  const terminal = await openTerminal(80, 24, {}, true);
  await terminal.until("shell>");
  terminal.write('"$NODE" "$HARNESS"\r');
  await terminal.until("ui-table");
  terminal.write("j\u001A");
  await terminal.until("Stopped");
  expect(terminal.buffer()).toBe("normal");
  terminal.write("echo still $((40 + 2))\r");
  await terminal.until("still 42");
  terminal.write("fg\r");
  await terminal.until("api-cache-1");
  expect(terminal.buffer()).toBe("alternate");
  terminal.write("q");
  await terminal.until(/lanes opens this again\.\nshell>/);
  terminal.write("exit\r");
  await terminal.exited;
});

test("a resize is followed at once, whatever the size", async () => {
  const terminal = await openTerminal(160, 50);
  await terminal.until("4 Branches");
  terminal.resize(60, 14);
  await terminal.until(/^╭─ 1 Lanes.*╮$/m);
  terminal.resize(20, 5);
  await terminal.until("enlarge");
  terminal.resize(120, 40);
  await terminal.until("Conflicts and events");
  expect(terminal.bytes()).not.toMatch(erasing);
  terminal.write("\u0003");
  expect(await terminal.exited).toBe(0);
});

test("a change of the journal is on the screen for a few bytes", async () => {
  const terminal = await openTerminal(120, 40);
  await terminal.until("> _");
  const before = terminal.bytes().length;
  terminal.signal("SIGUSR2");
  await terminal.until("3 of 3 tasks");
  expect(terminal.bytes().length - before).toBeLessThan(400);
  terminal.write("q");
  await terminal.exited;
});

test("NO_COLOR and a locale without UTF-8 hold on a real terminal", async () => {
  const terminal = await openTerminal(80, 24, { NO_COLOR: "1", LANG: "C", LC_ALL: "C" });
  await terminal.until("ui-table");
  terminal.write("q");
  await terminal.exited;
  expect(terminal.bytes()).toMatch(onlyAscii);
  expect(terminal.bytes()).not.toMatch(colouring);
});

/** A process that nobody waited for yet is over as well. */
const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || (error as NodeJS.ErrnoException).code === "ESRCH")
      return false;
    throw error;
  }
};
