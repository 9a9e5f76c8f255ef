# A tiny scripted agent: it reads its lane from the environment, edits real files and commits them.
set -eu
say() { echo "$1"; sleep 1; }
commit() { git add -A . && git commit -qm "$1" && say "committed: $1"; }

say "working on ${LANES_LANE}"
case "$LANES_LANE" in
units)
  printf 'export const feet = (metres) => Math.round(metres * 32.8084) / 10;\n' > src/units.js
  commit "Convert metres to feet"
  printf 'import assert from "node:assert/strict";\nimport { feet } from "../src/units.js";\n\nassert.equal(feet(1), 3.3);\n' > test/units.test.js
  commit "Test the conversion"
  ;;
stations)
  printf '[\n  { "name": "Brest", "metres": 6.1 },\n  { "name": "Dover", "metres": 5.9 },\n  { "name": "Bergen", "metres": 1.3 }\n]\n' > src/stations.json
  commit "Add Dover and Bergen"
  ;;
forecast)
  printf 'import { feet } from "./units.js";\n\nexport const forecast = ({ name, metres }) => `${name}: ${metres} m (${feet(metres)} ft) at high water`;\n' > src/forecast.js
  commit "Forecast high water in both units"
  printf 'import assert from "node:assert/strict";\nimport { forecast } from "../src/forecast.js";\n\nassert.equal(forecast({ name: "X", metres: 1 }), "X: 1 m (3.3 ft) at high water");\n' > test/forecast.test.js
  commit "Test the forecast"
  ;;
cli)
  sed -i.old -e 's|^import { readFileSync.*|&\n\nimport { forecast } from "../src/forecast.js";|' -e 's|^for .*|for (const station of stations) console.log(forecast(station));|' bin/tide.js
  rm -f bin/tide.js.old
  say "$(node bin/tide.js | tail -n 1)"
  commit "Show the forecast on the command line"
  ;;
docs)
  sed -i.old 's/^Status: .*/Status: documented/' README.md && rm -f README.md.old
  mkdir -p docs
  printf '# Usage\n\n    node bin/tide.js\n' > docs/usage.md
  commit "Describe the usage"
  ;;
release)
  say "writing the announcement"
  sed -i.old 's/^Status: .*/Status: released/' README.md && rm -f README.md.old
  printf '# News\n\n1.0: tide tables for three stations, in metres and feet.\n' > NEWS.md
  commit "Announce the first release"
  ;;
*)
  echo "nothing to do for this lane"
  ;;
esac
say "done"
