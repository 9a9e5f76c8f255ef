/** A program for the tests with a real terminal: the control center on an engine in memory. */
import process from "node:process";

import { openControlCenter } from "../../src/tui/run.tsx";
import { memoryEngine } from "./memory-engine.ts";
import { empty, hostile, many, swing } from "./scene.ts";

const fixed = process.env["SCENE_NOW"];
if (fixed !== undefined) Date.now = () => Number(fixed);
const now = Date.now();
const scenes = { empty, hostile, swing, many: (at: number) => many(100, at) };
const world = memoryEngine(scenes[(process.env["SCENE"] ?? "swing") as keyof typeof scenes](now));

process.on("SIGUSR2", () => world.tell([{ type: "lane.progressed", key: "api-cache", text: "3 of 3 tasks" }]));
process.exitCode = await openControlCenter(world.engine, { ascii: process.argv.includes("--ascii") });
