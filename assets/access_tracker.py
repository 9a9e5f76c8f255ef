#!/usr/bin/env python3
"""Safe access to the tracker from any worktree: the drop-in of worktree orchestration.

    access_tracker.py /path/to/tracker.json             prints the tracker as JSON
    access_tracker.py /path/to/tracker.json '{...}'     sets the fields in it; - reads them from standard input
    access_tracker.py /path/to/tracker.json '{...}' ID  the same; with the same ID again it takes effect once

With `lanes` on PATH (or LANES_BIN) it is the way to the journal: exit 0 only when the change is on disk and in effect.
Without it, the file is read and merged, and replaced in one step (an ID then means nothing); the engine takes such an
edit over when it sees it.
"""

import contextlib
import fcntl
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

LOCK_SECONDS = 5
STALE_SECONDS = 10
EX_USAGE, EX_DATAERR, EX_CANTCREAT = 64, 65, 73


def lanes_command(tracker_path):
    """The program and the repository that the tracker belongs to; None where there is no such program."""
    given = os.environ.get("LANES_BIN")
    program = shlex.split(given) if given else [found] if (found := shutil.which("lanes")) else None
    state = os.path.dirname(os.path.abspath(tracker_path))
    return program and [*program, "--repo", os.path.dirname(state)]


def read_tracker(tracker_path):
    """The tracker as a dict. Raises RuntimeError, OSError or ValueError when it cannot be had."""
    command = lanes_command(tracker_path)
    if command:
        return json.loads(run([*command, "tracker", "get", "--json"]))
    with open(tracker_path, encoding="utf-8") as file:
        return json.load(file)


def update_tracker(tracker_path, updates, update_id=None):
    """Merge `updates` (a dict) into the tracker. Returns once they are on disk; raises when they are not taken."""
    command = lanes_command(tracker_path)
    if command:
        words = ["tracker", "patch", "-", "--json", *(["--id", update_id] if update_id else [])]
        run([*command, *words], json.dumps(updates, allow_nan=False))
        return
    with Lock(tracker_path):
        merged = merge(read_tracker(tracker_path), updates)
        replace(tracker_path, json.dumps(merged, indent=2, allow_nan=False) + "\n")


def merge(tracker, updates):
    """A copy of `tracker` with the fields of `updates`; lanes and agents are merged field by field, as `lanes` does."""
    merged = {**tracker, **updates}
    for kind in ("lanes", "agents"):
        before, after = tracker.get(kind), updates.get(kind)
        if isinstance(before, dict) and isinstance(after, dict):
            merged[kind] = {**before, **{name: entry(before.get(name), after[name]) for name in after}}
    return merged


def entry(before, after):
    """One lane or agent with the fields that were set."""
    return {**before, **after} if isinstance(before, dict) and isinstance(after, dict) else after


def run(command, text=""):
    """What a program prints; RuntimeError with its exit code and its one line when it fails."""
    ended = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise RuntimeError(ended.returncode, ended.stderr.strip())
    return ended.stdout


def replace(path, text):
    """Readers see the old file or the new one, whole."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)), prefix=".access.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


class Lock:
    """One of these scripts at a time, and the lock folder of polite programs, which is waited for a few seconds only."""

    def __init__(self, tracker_path):
        self.folder = os.path.join(os.path.dirname(os.path.abspath(tracker_path)), "locks")
        self.path = os.path.join(self.folder, "tracker.lck")
        self.held = False

    def __enter__(self):
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        # Ends with its process, however that ends.
        self.file = open(os.path.join(self.folder, "access.lck"), "a", encoding="utf-8")
        fcntl.flock(self.file, fcntl.LOCK_EX)
        until = time.monotonic() + LOCK_SECONDS
        while not self.held and time.monotonic() < until:
            try:
                os.mkdir(self.path)
                self.held = True
            except FileExistsError:
                self.remove_stale()
                time.sleep(0.02)

    def remove_stale(self):
        """Who holds it touches it every few seconds; what is in its way otherwise is waited for, then ignored."""
        with contextlib.suppress(OSError):
            if time.time() - os.lstat(self.path).st_mtime > STALE_SECONDS:
                os.rmdir(self.path)

    def __exit__(self, *_):
        if self.held:
            with contextlib.suppress(OSError):
                os.rmdir(self.path)
        self.file.close()


def main(words):
    """The command line; answers the exit code."""
    if not 1 <= len(words) <= 3:
        print(__doc__.strip(), file=sys.stderr)
        return EX_USAGE
    try:
        if len(words) == 1:
            print(json.dumps(read_tracker(words[0]), indent=2))
            return 0
        updates = json.loads(sys.stdin.read() if words[1] == "-" else words[1])
        if not isinstance(updates, dict):
            raise ValueError("the updates must be an object")
        update_tracker(words[0], updates, *words[2:])
        return 0
    except RuntimeError as error:
        code, line = error.args
        print(line, file=sys.stderr)
        return code
    except ValueError as error:
        print(f"access_tracker: not JSON: {error}", file=sys.stderr)
        return EX_DATAERR
    except OSError as error:
        print(f"access_tracker: {error}", file=sys.stderr)
        return EX_CANTCREAT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
