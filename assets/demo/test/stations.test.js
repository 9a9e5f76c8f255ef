import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const stations = JSON.parse(readFileSync(new URL("../src/stations.json", import.meta.url), "utf8"));
assert.ok(stations.length > 0);
for (const { name, metres } of stations) assert.ok(name.length > 0 && metres > 0);
