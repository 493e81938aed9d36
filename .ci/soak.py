"""Soaks gristmill: a cache to trust is one that survives this.

Part one kills `run`, `gc` and `verify` with SIGKILL at random moments while the data changes now and then. Then one more run
must end well, its lock must equal an undisturbed project's byte for byte, and nothing may be left over: no unfinished file, no
claim, no process.

Part two lets many processes do `run`, `gc`, `verify` and `status` in one project while the data goes on changing. Nothing may
fail, and no key may be made twice.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

# Every step is one unit here, so that its key counts what was made.
PLAIN = """\
name: plain
target: grade
roles: {id: id}
sources: {grades: {path: data/grades.csv}}
steps:
  parts: {transform: grades, ops: [{split: {test: 0.25}}]}
  filled: {transform: parts, ops: [{fill_missing: {hours: median}}, {one_hot: [group]}]}
  scaled: {transform: filled, ops: [{standardize: [hours]}]}
  line: {train: scaled, model: linear_regression}
  ridge: {train: filled, model: linear_regression}
  quality: {evaluate: line, metrics: [rmse, r2]}
  live: {deploy: quality, as: plain}
"""

# And here is everything that has several.
RICH = """\
name: rich
target: grade
roles: {id: id}
sources:
  grades: {path: data/grades.csv}
  pieces: {path: "data/pieces/*.csv"}
steps:
  features:
    transform: grades
    ops:
      - split: {test: 0.25}
      - fill_missing: {hours: {with: median, indicator: hours_missing}}
      - one_hot: [group]
      - standardize: [hours]
  whole: {clean: pieces, ops: [drop_missing: [hours]]}
  program:
    run: "sleep 0.2; cp {{ inputs.whole }} {{ outputs.rows }}"
    inputs: [whole]
    outputs: {rows: rows.parquet}
  line: {train: features, model: linear_regression, cv: 4}
  forest: {train: features, model: random_forest, with: {n_estimators: 10, max_depth: 4}, cv: 3}
  quality: {evaluate: [line, forest], metrics: [rmse, r2], best: rmse, slices: [group]}
  live: {deploy: quality, as: grade}
"""

MARK = "GRISTMILL_SOAK"


class Project:
    """A project in a folder of its own."""

    def __init__(self, root, binary):
        self.root = pathlib.Path(root)
        self.binary = binary
        self.mark = f"{os.getpid()}-{self.root.name}"
        for name, text in {"gristmill.yaml": "", "pipelines/plain.yaml": PLAIN, "pipelines/rich.yaml": RICH}.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.data(0)
        if shutil.which("git"):
            git = ["git", "-c", "user.name=soak", "-c", "user.email=soak@example.org"]
            for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "begin"]):
                subprocess.run(git + words, cwd=self.root, check=True)

    def data(self, version):
        """Writes the data of a version, each file as a whole."""
        rows = []
        for row in range(200):
            hours = "" if row % 20 == 7 else f"{(row * 37 + version) % 101 / 10}"
            grade = 2 * ((row * 37 + version) % 101 / 10) + row % 3 + (row * 53 + version) % 17 / 10
            rows.append(f"{row},{hours},{'abc'[row % 3]},{grade:.3f}\n")
        files = {"data/grades.csv": rows}
        files.update({f"data/pieces/{nth}.csv": rows[nth * 50 : nth * 50 + 50] for nth in range(4)})
        for name, part in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(f".{path.name}.new")
            beside.write_text("id,hours,group,grade\n" + "".join(part))
            beside.rename(path)

    def start(self, *words):
        env = dict(os.environ, NO_COLOR="1", **{MARK: self.mark})
        pipe = subprocess.PIPE
        return subprocess.Popen([self.binary, *words], cwd=self.root, env=env, stdout=pipe, stderr=pipe, text=True)

    def go(self, *words):
        process = self.start(*words)
        out, err = process.communicate()
        return process.returncode, out, err

    def must(self, *words):
        code, out, err = self.go(*words)
        if code != 0:
            fail(f"`{' '.join(words)}` ended with {code}\n{out}\n{err}")
        return out

    def lock(self, name):
        return (self.root / "pipelines" / f"{name}.lock").read_bytes()

    def strays(self):
        """What may not be left when nothing runs."""
        state = self.root / ".gristmill"
        found = [path for folder in ("tmp", "claims", "trash") for path in (state / folder).rglob("*")]
        found += [path for path in self.root.rglob(".tmp-*")]
        found += list((state / "damaged").rglob("*")) if (state / "damaged").is_dir() else []
        return sorted(str(path.relative_to(self.root)) for path in set(found))

    def orphans(self):
        """Processes that were begun here and still live."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
            try:
                if f"{MARK}={self.mark}".encode() in path.read_bytes().split(b"\0"):
                    found.append(path.parent.name)
            except OSError:
                pass
        return found


def fail(message):
    print(f"soak: {message}", file=sys.stderr)
    sys.exit(1)


def clean(project):
    deadline = time.monotonic() + 2
    while project.orphans() and time.monotonic() < deadline:
        time.sleep(0.05)
    if project.orphans():
        fail(f"processes are left: {project.orphans()}")
    if project.strays():
        fail(f"files are left: {project.strays()}")


def kill(arguments, chance):
    """Part one."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        calm = Project(pathlib.Path(folder) / "calm", arguments.binary)
        began = time.monotonic()
        for name in ("plain", "rich"):
            calm.must("run", name)
        longest = time.monotonic() - began
        project = Project(pathlib.Path(folder) / "killed", arguments.binary)
        verbs = [("run", "plain"), ("run", "rich"), ("run", "rich", "--force"), ("gc",), ("gc", "--keep-runs", "0"), ("verify",)]
        ended = collections.Counter()
        kills = 0
        version = 0
        while kills < arguments.kills:
            if chance.random() < 0.3:
                version += 1
                # Some come back, so that there is something to find in the cache.
                project.data(chance.choice([0, 1, 2, version]))
            verb = chance.choice(verbs)
            process = project.start(*verb)
            # Short waits are as likely as long ones: much happens at the beginning.
            wait = longest * 10 ** chance.uniform(-2.5, 0)
            try:
                out, err = process.communicate(timeout=wait)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                kills += 1
                ended["killed " + verb[0]] += 1
                continue
            ended["ended " + verb[0]] += 1
            if process.returncode != 0:
                fail(f"`{' '.join(verb)}` after {kills} kills ended with {process.returncode}\n{out}\n{err}")
        project.data(0)
        for name in ("plain", "rich"):
            project.must("run", name)
            if project.lock(name) != calm.lock(name):
                fail(f"the lock of `{name}` isn't that of an undisturbed project:\n{project.lock(name).decode()}")
        clean(project)
        project.must("verify")
        project.must("verify", "--rebuild")
        project.must("gc", "--keep-runs", "0")
        if json.loads(project.must("run", "rich", "--json"))["status"] != "done":
            fail("a run after gc isn't done")
        clean(project)
        print(f"kills: {kills}, {dict(sorted(ended.items()))}: the locks are those of an undisturbed project, nothing is left")


def crowd(arguments, chance):
    """Part two."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        project = Project(pathlib.Path(folder) / "crowd", arguments.binary)
        made = collections.Counter()
        done = collections.Counter()
        wrong = []
        until = time.monotonic() + arguments.seconds
        verbs = [("run", "plain", "--json")] * 4 + [("run", "rich", "--json")] * 3
        verbs += [("gc", "--json"), ("gc", "--keep-runs", "3", "--json"), ("verify", "--json"), ("status", "plain", "--json")]

        def work(seed):
            own = random.Random(seed)
            while time.monotonic() < until and not wrong:
                verb = own.choice(verbs)
                code, out, err = project.go(*verb)
                done[verb[0]] += 1
                if code != 0 or "panicked" in err:
                    wrong.append(f"`{' '.join(verb)}` ended with {code}\n{out}\n{err}")
                elif verb[:2] == ("run", "plain"):
                    for step in json.loads(out)["steps"]:
                        if step["outcome"] == "ran":
                            made[(step["step"], step["key"])] += 1

        workers = [threading.Thread(target=work, args=(chance.random(),)) for _ in range(arguments.processes)]
        for worker in workers:
            worker.start()
        version = 0
        while any(worker.is_alive() for worker in workers):
            time.sleep(min(2.0, max(0.05, until - time.monotonic())))
            version += 1
            project.data(version)
        for worker in workers:
            worker.join()
        if wrong:
            fail(wrong[0])
        twice = {key: count for key, count in made.items() if count > 1}
        if twice:
            fail(f"made more than once: {twice}")
        for name in ("plain", "rich"):
            project.must("run", name)
        clean(project)
        project.must("verify")
        print(f"crowd: {arguments.processes} processes, {arguments.seconds} s, {dict(sorted(done.items()))}, "
              f"{version} versions of the data, {len(made)} results made, none twice, nothing failed, nothing is left")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/gristmill", help="the program (target/release/gristmill)")
    parser.add_argument("--kills", type=int, default=200, help="how many processes are killed (200)")
    parser.add_argument("--seconds", type=float, default=300, help="how long many work at once (300)")
    parser.add_argument("--processes", type=int, default=8, help="how many (8)")
    parser.add_argument("--seed", type=int, default=None, help="to do the same again")
    arguments = parser.parse_args()
    arguments.binary = shutil.which(arguments.binary) or str(pathlib.Path(arguments.binary).resolve())
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 32)
    print(f"seed: {seed}", flush=True)
    chance = random.Random(seed)
    if arguments.kills:
        kill(arguments, chance)
    if arguments.seconds:
        crowd(arguments, chance)


if __name__ == "__main__":
    main()
