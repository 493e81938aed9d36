"""Runs that have nothing to do, and cold ones, beside DVC and Snakemake: the same programs in the same graph, one after the other.

    python3 -m venv env && env/bin/pip install dvc snakemake
    PATH="$PWD/env/bin:$PATH" python3 benches/orchestrators.py target/release/gristmill

Every step copies a file: what is measured is the tool. Figures are seconds of wall time and of CPU time (user and system, with
children): the median of the runs that do nothing, one cold run.
"""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TIMES = 3


def inputs(shape, step):
    return "data/t.csv" if step == 0 or shape == "fan" else f"out/{step - 1}.csv"


def gristmill(folder, shape, steps):
    lines = ["name: p", "sources:", "  t: {path: data/t.csv}", "steps:"]
    for step in range(steps):
        read = "t" if step == 0 or shape == "fan" else f"s{step - 1}.o"
        lines.append(
            f'  s{step}: {{run: [cp, "{{{{ inputs.{read} }}}}", "{{{{ outputs.o }}}}"], inputs: [{read}], '
            f"outputs: {{o: {{path: {step}.csv, kind: file}}}}}}"
        )
    os.makedirs(f"{folder}/pipelines")
    open(f"{folder}/gristmill.yaml", "w").close()
    with open(f"{folder}/pipelines/p.yaml", "w") as file:
        file.write("\n".join(lines) + "\n")


def dvc(folder, shape, steps):
    lines = ["stages:"]
    for step in range(steps):
        read = inputs(shape, step)
        lines += [f"  s{step}:", f"    cmd: cp {read} out/{step}.csv", f"    deps: [{read}]", f"    outs: [out/{step}.csv]"]
    with open(f"{folder}/dvc.yaml", "w") as file:
        file.write("\n".join(lines) + "\n")
    subprocess.run(["dvc", "init", "--no-scm", "-q"], cwd=folder, check=True)
    subprocess.run(["dvc", "config", "core.analytics", "false"], cwd=folder, check=True)


def snakemake(folder, shape, steps):
    lines = ["rule all:", f"    input: {[f'out/{step}.csv' for step in range(steps)]}"]
    for step in range(steps):
        lines += [f"rule s{step}:", f"    input: '{inputs(shape, step)}'", f"    output: 'out/{step}.csv'", "    shell: 'cp {input} {output}'"]
    with open(f"{folder}/Snakefile", "w") as file:
        file.write("\n".join(lines) + "\n")


def measured(command, folder):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{command}\n{done.stdout}\n{done.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu


def main():
    program = os.path.abspath(sys.argv[1])
    counts = [int(count) for count in sys.argv[2:]] or [100, 1000]
    tools = [
        ("gristmill", gristmill, [program, "run", "p", "--jobs", "2"]),
        ("dvc", dvc, ["dvc", "repro", "-q"]),
        ("snakemake", snakemake, ["snakemake", "-c2", "-q", "all"]),
    ]
    print(f"{'tool':10} {'shape':6} {'steps':>6} {'cold wall':>10} {'cold CPU':>9} {'no-op wall':>11} {'no-op CPU':>10}", flush=True)
    for steps in counts:
        for shape in ["chain", "fan"]:
            for name, make, command in tools:
                if not shutil.which(command[0]):
                    print(f"{name:10} skipped: it isn't installed")
                    continue
                with tempfile.TemporaryDirectory() as folder:
                    os.makedirs(f"{folder}/data")
                    os.makedirs(f"{folder}/out")
                    with open(f"{folder}/data/t.csv", "w") as file:
                        file.write("a,b\n" + "".join(f"{row},{row * 7 % 13}\n" for row in range(100)))
                    make(folder, shape, steps)
                    cold = measured(command, folder)
                    runs = [measured(command, folder) for _ in range(TIMES)]
                    idle = [statistics.median(figures) for figures in zip(*runs)]
                    print(
                        f"{name:10} {shape:6} {steps:6} {cold[0]:10.2f} {cold[1]:9.2f} {idle[0]:11.3f} {idle[1]:10.3f}",
                        flush=True,
                    )


main()
