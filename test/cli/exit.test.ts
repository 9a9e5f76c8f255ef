import { describe, expect, test } from "vitest";

import { errorNo, failureLine, faultNo, no, worst } from "../../src/cli/exit.ts";

describe("an exit code", () => {
  test.each([
    [[], 0],
    [[0, 0], 0],
    [[4, 1, 2], 1],
    [[0, 4, 2], 2],
    [[75, 4], 4],
    [[0, 75], 75],
    [[75, 130], 130],
  ])("for %j is the smallest of 1-4", (codes, expected) => {
    expect(worst(codes)).toBe(expected);
  });

  test("tells a disk that cannot be written from a fault of the program", () => {
    const disk = (code: string): number => errorNo(Object.assign(new Error("write"), { code })).code;
    expect(["EACCES", "EROFS", "ENOSPC", "EPERM", "EDQUOT"].map(disk)).toEqual([73, 73, 73, 73, 73]);
    expect(["EFBIG", "EIO", "EMFILE", "ENFILE", "EAGAIN", "ENOMEM"].map(disk)).toEqual([73, 73, 75, 75, 75, 75]);
    const cause = Object.assign(new Error("spawn"), { code: "EMFILE" });
    expect(errorNo(new Error("git could not be started", { cause })).code).toBe(75);
    expect(disk("EINVAL")).toBe(70);
    expect([disk("ENOGIT"), disk("EUNSAFE")]).toEqual([69, 73]);
    expect(errorNo("thrown").code).toBe(70);
  });
});

describe("a failure", () => {
  test("is one line: what, then what to do", () => {
    expect(failureLine(no("there is\nno lane", "add\u001B[2J one", 64))).toBe("lanes: there is no lane; add one");
    expect(failureLine(no("it is so", "", 4))).toBe("lanes: it is so");
  });

  test("names the field that is wrong", () => {
    const fault = { path: "tasks[2]", fault: "must be a string", hint: "quote it" };
    expect(failureLine(faultNo("lane docs", fault))).toBe("lanes: lane docs: tasks[2]: must be a string; quote it");
    expect(failureLine(faultNo("lane docs", { ...fault, path: "" }))).toBe(
      "lanes: lane docs must be a string; quote it",
    );
  });

  test("of the program shows its first line only", () => {
    expect(failureLine(errorNo(new Error("broken\n    at somewhere")))).toBe(
      "lanes: internal error: broken; lanes -v … shows where; please report it",
    );
  });
});
