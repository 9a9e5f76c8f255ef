import { readFileSync } from "node:fs";

const stations = JSON.parse(readFileSync(new URL("../src/stations.json", import.meta.url), "utf8"));
for (const { name, metres } of stations) console.log(`${name}: ${metres} m`);
