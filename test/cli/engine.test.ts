import { expect, test } from "vitest";

import { patience, scene } from "./scratch.ts";

const look = 20;

test("engine status says whether the elected process lives, since when and what it does", patience, async () => {
  const there = scene();
  const none = await there.lanes("engine", "status");
  expect(none.stdout).toBe("none is needed: it starts by itself when there is something to do\n");
  await there.lanes("add-lane", "slow", '{"command": "sleep 600"}');
  await there.lanes("launch", "slow");
  while ((await there.stateOf("slow")) !== "running") await new Promise((resolve) => setTimeout(resolve, look));
  const alive = await there.json("engine", "status");
  expect(alive).toMatchObject({ is: "alive", elected: true, needed: true, running: 1, steps: [] });
  expect(Date.parse(String(alive["since"]))).toBeLessThanOrEqual(Date.parse(String(alive["heard"])));
  expect((await there.lanes("engine", "status")).stdout).toMatch(
    /^elected .*: pid \d+, version .*; 1 running\nalive: watches what runs; last sign of it .*\n$/,
  );
  const pid = alive["pid"] as number;
  process.kill(pid, "SIGSTOP");
  expect(await there.json("engine", "status")).toMatchObject({ is: "frozen", pid });
  expect((await there.lanes("engine", "status")).stdout).toMatch(/^frozen: last sign of it .*kill -CONT \d+/m);
  process.kill(pid, "SIGKILL");
  expect(await there.json("engine", "status")).toMatchObject({ is: "dead", pid });
  expect((await there.lanes("engine", "status")).stdout).toMatch(/^dead: .*\nthere is work to do and no engine lives/m);
});
