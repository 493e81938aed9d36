"""From a saved row to "run started" under `gristmill watch`, in milliseconds beyond the debounce.

    python3 benches/watch.py target/release/gristmill [ROUNDS]

Each round appends a row to a table of 10,000 and waits for the run to end. Beside the median and the worst of all rounds it
shows the same while a second process writes to another file in the same folder all the time.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

DEBOUNCE = 0.2
PIPELINE = """\
name: rows
target: y
sources: {rows: {path: data/rows.csv}}
steps:
  tidy: {clean: rows, ops: [drop_missing: all]}
watch: {debounce: 200ms}
"""


def rounds(program, count, noise):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name in ("data", "pipelines"):
            (root / name).mkdir()
        (root / "gristmill.yaml").touch()
        (root / "pipelines/rows.yaml").write_text(PIPELINE)
        table = root / "data/rows.csv"
        table.write_text("x,y\n" + "".join(f"{i},{i % 7}\n" for i in range(10_000)))
        watch = subprocess.Popen(
            [program, "watch", "--json"], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        stop = threading.Event()

        def write():
            while not stop.is_set():
                (root / "data/other.txt").write_text(str(time.time()))
                time.sleep(0.001)

        def until(name):
            for line in watch.stdout:
                if json.loads(line)["event"] == name:
                    return time.monotonic()
            raise SystemExit("the watch ended")

        try:
            until("run_ended")
            time.sleep(0.5)
            if noise:
                threading.Thread(target=write).start()
            late = []
            for index in range(count):
                with table.open("a") as file:
                    file.write(f"{index},1\n")
                saved = time.monotonic()
                late.append((until("run_started") - saved - DEBOUNCE) * 1000)
                until("run_ended")
                # The look after a run has passed.
                time.sleep(DEBOUNCE * 2)
            return late
        finally:
            stop.set()
            watch.terminate()
            watch.wait()


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    for title, noise in (("quiet", False), ("beside constant writes", True)):
        late = rounds(program, count, noise)
        print(f"{title}: median {statistics.median(late):.1f} ms, worst {max(late):.1f} ms beyond the debounce")


main()
