import { describe, expect, test } from "vitest";

import { parseArguments } from "../../src/cli/arguments.ts";
import { failureLine } from "../../src/cli/exit.ts";
import { verbs } from "../../src/cli/verbs.ts";
import { catalog } from "../../src/core/catalog.ts";

/** What became of some words, in short. */
const parsed = (...argv: readonly string[]): string => {
  const result = parseArguments(argv, "9.9.9");
  switch (result.type) {
    case "fault":
      return `${result.no.code} ${failureLine(result.no)}`;
    case "text":
      return result.text;
    case "bare":
      return "bare";
    case "verb": {
      const globals = Object.entries(result.globals).flatMap(([name, value]) =>
        value === (name === "input") || value === undefined ? [] : [`${name}=${String(value)}`],
      );
      const options = Object.entries(result.options).flatMap(([name, value]) =>
        name in result.globals || value === undefined ? [] : [`${name}=${String(value)}`],
      );
      return [result.verb, ...result.words.map((word) => JSON.stringify(word)), ...options, ...globals].join(" ");
    }
  }
};

describe("the verbs", () => {
  test("are those of the catalog, each carried out by somebody", () => {
    expect(Object.keys(verbs).toSorted()).toEqual(catalog.map(({ id }) => id).toSorted());
  });

  test.each(catalog.map((row) => [row.id, row] as const))(
    "%s takes its examples as the catalog writes them",
    (id, row) => {
      for (const example of row.examples) {
        const words = [...example.replace(/ [|>] .*$/, "").matchAll(/'([^']*)'|(\S+)/g)].map(
          ([, quoted, word]) => quoted ?? word ?? "",
        );
        expect(parsed(...words.slice(1))).toMatch(new RegExp(`^${id}(?: |$)`));
      }
    },
  );

  test.each(catalog.map(({ id }) => [id]))("%s has help with examples first", (id) => {
    const text = parsed(id, "--help");
    expect(text.split("\n")[2]).toBe("Examples:");
    expect(text).toContain(`Usage: lanes ${id}`);
  });
});

describe("words", () => {
  test.each([
    [["status"], "status"],
    [["--json", "status"], "status json=true"],
    [["status", "--json", "--refresh"], "status refresh=true json=true"],
    [["--repo", "x", "why", "a", "b"], 'why "a" "b" repo=x'],
    [
      ["why", "--repo=y", "a", "-qv", "--no-input", "--plain"],
      'why "a" repo=y plain=true input=false quiet=true verbose=true',
    ],
    [["merge", "--check", "npm test -- --run", "a"], 'merge "a" check=npm test -- --run'],
    [["merge", "--check", "", "a"], 'merge "a" check='],
    [["merge", "--check", "--json"], "merge check=--json"],
    [["log", "-fn5", "a"], 'log "a" follow=true lines=5'],
    [["log", "--", "-f"], 'log "-f"'],
    [["why", "--", "--json", "--"], 'why "--json" "--"'],
    [["add-lane", "x", "-"], 'add-lane "x" "-"'],
    [["add-lane", "x", '{"a": "--b"}'], String.raw`add-lane "x" "{\"a\": \"--b\"}"`],
    [["launch", ""], 'launch ""'],
    [["probes", "--wait", "--until-idle"], "probes wait=true untilIdle=true"],
    [["monitor", "--until-idle"], "monitor untilIdle=true"],
    [[], "bare"],
    [["--json"], "bare"],
    [["--repo", "x"], "bare"],
    [["--version"], "9.9.9\n"],
  ])("%j mean", (argv, expected) => {
    expect(parsed(...argv)).toBe(expected);
  });

  test.each([
    [["lunch"], '64 lanes: unknown verb "lunch"; did you mean launch?'],
    [["zzzz"], '64 lanes: unknown verb "zzzz"; lanes --help lists all'],
    [[""], '64 lanes: unknown verb ""; lanes --help lists all'],
    [["--jason"], '64 lanes: unknown option "--jason"; did you mean --json?'],
    [["status", "--refesh"], '64 lanes: unknown option "--refesh"; did you mean --refresh?'],
    [["status", "-x"], '64 lanes: unknown option "-x"; lanes --help lists all'],
    [["why"], "64 lanes: missing required argument 'LANE'; lanes --help shows how"],
    [["merge", "--check"], "64 lanes: option '--check <command>' argument missing; lanes --help shows how"],
    [["--repo"], "64 lanes: option '--repo <path>' argument missing; lanes --help shows how"],
    [
      ["add-lane", "a", "b", "c"],
      "64 lanes: too many arguments for 'add-lane'. Expected 2 arguments but got 3; lanes --help shows how",
    ],
    [
      ["status", "a"],
      "64 lanes: too many arguments for 'status'. Expected 0 arguments but got 1; lanes --help shows how",
    ],
    [["\u001B]0;x\u0007"], String.raw`64 lanes: unknown verb "\u{1b}]0;x\u{7}"; lanes --help lists all`],
    [["a\u0000b"], String.raw`64 lanes: unknown verb "a\u{0}b"; lanes --help lists all`],
    [["--\u202Eevil"], String.raw`64 lanes: unknown option "--\u{202e}evil"; lanes --help lists all`],
    [["it's 'odd'\nso"], String.raw`64 lanes: unknown verb "it's 'odd'\u{a}so"; lanes --help lists all`],
    [["x".repeat(100_000)], `64 lanes: unknown verb "${"x".repeat(40)}…"; lanes --help lists all`],
    [[`--${"x".repeat(100_000)}`], `64 lanes: unknown option "--${"x".repeat(38)}…"; lanes --help lists all`],
  ])("%j are refused in one line", (argv, expected) => {
    expect(parsed(...argv)).toBe(expected);
  });
});

describe("help", () => {
  test("on the program lists every verb by what it is for", () => {
    expect(parsed("--help")).toMatchInlineSnapshot(`
      "lanes: coding agents in parallel lanes of one git repository

      Examples:
        lanes                                  open the control center
        lanes demo                             watch six lanes on a scratch repository
        lanes add-lane docs '{"command": "./write-docs.sh"}'
        lanes exec-lane docs && lanes merge docs
        lanes full                             init, probes, plan, execute and merge in one go

      Phases, one after another:
        init     Prepare this repository
        probes   Run the configured probes in parallel lanes and land their reports
        plan     Turn the gaps that probes found into lanes
        execute  Run the lanes: parallel ones together, sequential ones and dependants in order
        merge    Land lanes on the target, each tested as merged
        full     init, probes, plan, execute and merge in one go

      Lanes:
        add-lane   Add a lane
        exec-lane  Run one lane and wait for it; a manual lane is prepared and its path printed
        launch     Start lanes and return
        stop       End the agents of lanes; their worktrees stay as they are
        pause      Let agents stand still: frozen where they are, or stopped
        resume     Let paused lanes go on: frozen agents where they are, stopped ones in the queue
        retry      Run lanes again that failed, were lost or brought nothing
        cancel     Give lanes up; what they hold stays until cleanup
        approve    Let lanes land exactly as they are now; a new commit needs a new approval
        resolve    Put a lane's conflict with the target into its worktree, to be resolved there
        handoff    Give lanes back to their agents, with a note on what is to be done
        undo       Take a landing off the target again; the lane can be merged anew later
        stop-all   End all agents safely

      Look:
        status     Show all lanes
        monitor    Open the control center, or print changes as plain lines when there is no terminal
        log        Show what a lane's agent printed
        why        Say in one line what a lane waits for
        conflicts  Show which lanes would not merge with the target or with each other, uncommitted work included
        events     Show the journal
        demo       Watch six lanes on a scratch repository, from a wish to merged

      Keep house:
        lock        See, take, renew, give back or break leases of paths
        tracker     Read the tracker, set fields of it, or gather what a bug report needs
        engine      Start, stop or look at the process that carries lanes out
        doctor      Look for faults of this machine and repository; each with what, where and one command that mends it
        cleanup     Remove worktrees of merged and cancelled lanes that are clean; say what stays
        remove      Keep everything that is in lanes, then take their worktrees and branches away; asks first
        restore     Bring a lane back as it was kept: branch, worktree, what was staged, edited and new
        trash       Show what is kept of lanes that were removed
        repair      Show what is not as the log says, and make everything that follows from the log anew
        reset       End all runs, archive the records and begin anew; work that is not merged stays
        config      Show the settings that hold here
        completion  Print what makes a shell complete verbs, options and lane ids
        trust       Show the commands of lanes.config.json and allow them

      Options of every verb:
        --repo <path>  work in this repository instead of the current folder's
        --json         the answer as JSON on standard output
        --plain        no colours, ASCII only, nothing cut
        --no-input     never ask; what would be asked is refused
        -q, --quiet    no progress and no remarks, failures only
        -v, --verbose  where a failure came from
        -h, --help     this text
        --version      the version

      Exit codes: 0 done, 1 a command that was run failed, 2 conflict, 3 not usable here, 4 not allowed,
        64 usage, 65 bad data, 69 a tool is missing, 70 internal, 73 cannot create, 75 try again, 130 interrupted

      lanes VERB --help tells more.
      "
    `);
    expect(parsed("help")).toBe(parsed("--help"));
  });

  test("on a verb begins with examples", () => {
    expect(parsed("merge", "--help")).toMatchInlineSnapshot(`
      "Land lanes on the target, each tested as merged.

      Examples:
        lanes merge
        lanes merge docs-intro --check 'npm test'
        lanes merge docs-intro --strategy squash
        lanes merge --list

      Usage: lanes merge [LANE…] [options]

      Arguments:
        LANE  lanes to land; all ready ones when left out

      Options:
        --check <command>      run this on the merged tree instead of the configured check
        --strategy <strategy>  merge, squash (one commit) or rebase (its commits anew)
        --override             land whatever check, leases and review say; needs --why, and stays in the log
        --why <text>           why it is overridden
        --first                before all others that wait
        --list                 show the merge queue and change nothing
        --detach               return at once; the work goes on
        --wait                 accepted; waiting is what it does
        --until-idle           accepted; waiting is what it does

      Options of every verb:
        --repo <path>  work in this repository instead of the current folder's
        --json         the answer as JSON on standard output
        --plain        no colours, ASCII only, nothing cut
        --no-input     never ask; what would be asked is refused
        -q, --quiet    no progress and no remarks, failures only
        -v, --verbose  where a failure came from
      "
    `);
    expect(parsed("help", "merge")).toBe(parsed("merge", "--help"));
    expect(parsed("merge", "-h", "lane")).toBe(parsed("merge", "--help"));
  });
});
