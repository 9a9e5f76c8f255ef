# A probe looks at the repository and reports what is missing. This one really looks.
set -eu
mkdir -p docs/_generated
gaps=""
gap() { # id, title, dependsOn, paths
  gaps="$gaps${gaps:+,}
    {\"id\": \"$1\", \"title\": \"$2\", \"tasks\": [\"$2\"], \"dependsOn\": [$3], \"paths\": [\"$4\"]}"
  echo "gap: $2"
}
echo "looking at $(git ls-files | wc -l) files"
sleep 1
[ -f src/units.js ] || gap units "Convert metres to feet" "" "src/units.js"
[ "$(grep -c name src/stations.json)" -gt 2 ] || gap stations "Know more than one station" "" "src/stations.json"
[ -f src/forecast.js ] || gap forecast "Forecast the next tides" "\"units\"" "src/forecast.js"
grep -q forecast bin/tide.js || gap cli "Show the forecast on the command line" "\"forecast\", \"stations\"" "bin/tide.js"
[ -f docs/usage.md ] || gap docs "Describe the usage" "" "docs/usage.md"
[ -f NEWS.md ] || gap release "Announce the first release" "" "NEWS.md"
printf '{\n  "probe": "gaps",\n  "ok": %s,\n  "findings": ["%s files in git"],\n  "gaps": [%s\n  ]\n}\n' \
  "$([ -z "$gaps" ] && echo true || echo false)" "$(git ls-files | wc -l | tr -d ' ')" "$gaps" > docs/_generated/gaps.json
printf '# Gaps\n\n%s\n' "$(grep -o '"title": "[^"]*"' docs/_generated/gaps.json | sed 's/"title": "\(.*\)"/- \1/')" > docs/_generated/gaps.md
