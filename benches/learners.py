"""Learners beside those that people use today: the same rows, the same settings, 2 threads each, one after another.

    python3 benches/learners.py [--flights FOLDER] [--only WORD] [--times N] [--write]

needs scikit-learn, lightgbm and pandas. It builds `benches/learners.rs` in release, and prints the tables of
docs/performance.md; `--write` puts them there. FOLDER holds flights.csv.gz of the nycflights13 tables.
CPU is user and system time of all threads; the smallest of N runs, which take turns. Memory is the peak of the fit above
what the process had before it read the rows to learn from, which are in it once. Scores are of rows that weren't learned from.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

THREADS = "2"
for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "LOKY_MAX_CPU_COUNT"]:
    os.environ[name] = THREADS

HERE = Path(__file__).resolve().parent


# What is learned from.


def classes(rows, columns, count, test, seed=0):
    from sklearn.datasets import make_classification

    x, y = make_classification(
        rows + test, columns, n_informative=columns // 2, n_redundant=columns // 6, n_classes=count,
        n_clusters_per_class=2, flip_y=0.05, class_sep=1.0, random_state=seed,
    )
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    return x[:rows], y[:rows], x[rows:], y[rows:]


def numbers(rows, columns, test, seed=0):
    from sklearn.datasets import make_regression

    x, y = make_regression(rows + test, columns, n_informative=columns // 2, noise=20.0, random_state=seed)
    return x[:rows], y[:rows], x[rows:], y[rows:]


def flights(folder):
    import pandas

    table = pandas.read_csv(Path(folder) / "flights.csv.gz").dropna(subset=["arr_delay", "tailnum"])
    for column in ["carrier", "origin", "dest"]:
        table[column] = table[column].astype("category").cat.codes
    names = ["month", "day", "sched_dep_time", "sched_arr_time", "carrier", "flight", "origin", "dest", "distance", "hour", "minute"]
    table = table.sample(frac=1.0, random_state=0)
    x, y = table[names].to_numpy(float), (table["arr_delay"] > 15).to_numpy(int)
    rows = 200_000
    return x[:rows], y[:rows], x[rows:], y[rows:]


def datasets(arguments):
    found = {
        "100k × 30": ("classes", lambda: classes(100_000, 30, 2, 100_000)),
        "100k × 30, 10 classes": ("classes", lambda: classes(100_000, 30, 10, 20_000)),
        "1M × 20": ("classes", lambda: classes(1_000_000, 20, 2, 100_000)),
        "100k × 20": ("numbers", lambda: numbers(100_000, 20, 20_000)),
        "10k × 30": ("classes", lambda: classes(10_000, 30, 2, 5_000)),
        "15k × 30": ("classes", lambda: classes(15_000, 30, 10, 15_000)),
        "10k × 20": ("classes", lambda: classes(10_000, 20, 2, 10_000)),
        "100k × 20, classes": ("classes", lambda: classes(100_000, 20, 2, 10_000)),
    }
    if arguments.flights:
        found["flights 200k × 11"] = ("classes", lambda: flights(arguments.flights))
    return found


# What learns. Each job: its name, its rows, our model with its settings, theirs by name, and how near to be.


def forest(of, trees=100, **more):
    import sklearn.ensemble

    return lambda: getattr(sklearn.ensemble, of)(n_estimators=trees, n_jobs=int(THREADS), random_state=0, **more)


def lightgbm(**more):
    import lightgbm as lgb

    of = lgb.LGBMRegressor if more.pop("numbers", False) else lgb.LGBMClassifier
    return lambda: of(n_estimators=100, num_leaves=31, learning_rate=0.1, n_jobs=int(THREADS), verbose=-1, **more)


def histogram(**more):
    import sklearn.ensemble as e

    of = e.HistGradientBoostingRegressor if more.pop("numbers", False) else e.HistGradientBoostingClassifier
    return lambda: of(max_iter=100, max_leaf_nodes=31, learning_rate=0.1, early_stopping=False, **more)


def jobs(arguments):
    from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import SVC, LinearSVC
    from sklearn.tree import DecisionTreeClassifier

    sk = "scikit-learn"
    found = []

    def job(name, rows, ours, theirs, aim):
        found.append({"name": name, "rows": rows, "ours": ours, "theirs": theirs, "aim": aim})

    trees = ["100k × 30", "1M × 20"] + (["flights 200k × 11"] if arguments.flights else [])
    for rows in trees:
        # Fewer and smaller trees where a hundred whole ones would take a quarter of an hour.
        few = {"n_estimators": 20, "max_depth": 12} if rows == "1M × 20" else {"n_estimators": 100}
        theirs = {"trees": 20, "max_depth": 12} if rows == "1M × 20" else {}
        job("random forest", rows, ("random_forest", few), [(sk, forest("RandomForestClassifier", **theirs), 1 / 6)], "≤ 1/6")
        job("extra trees", rows, ("extra_trees", few), [(sk, forest("ExtraTreesClassifier", **theirs), 1 / 6)], "≤ 1/6")
        job("decision tree", rows, ("decision_tree", {}), [(sk, lambda: DecisionTreeClassifier(random_state=0), 1 / 6)], "≤ 1/6")
    boosting = {"n_estimators": 100, "max_leaf_nodes": 31, "learning_rate": 0.1}
    for rows in trees + ["100k × 30, 10 classes"]:
        job("gradient boosting", rows, ("gradient_boosting", boosting), [("LightGBM", lightgbm(), 1.2), ("HistGradientBoosting", histogram(), 0.5)], "≤ 1.2, ≤ 1/2")
    job("gradient boosting", "100k × 20", ("gradient_boosting", boosting), [("LightGBM", lightgbm(numbers=True), 1.2), ("HistGradientBoosting", histogram(numbers=True), 0.5)], "≤ 1.2, ≤ 1/2")
    for rows in ["100k × 30", "100k × 30, 10 classes"]:
        job("logistic regression", rows, ("logistic_regression", {"max_iter": 200}), [(sk, lambda: LogisticRegression(max_iter=200), 0.5)], "≤ 1/2")
    job("linear regression", "100k × 20", ("linear_regression", {}), [(sk, LinearRegression, 1)], "≤ 1")
    job("ridge", "100k × 20", ("ridge", {}), [(sk, Ridge, 1)], "≤ 1")
    job("lasso", "100k × 20", ("lasso", {"alpha": 0.1}), [(sk, lambda: Lasso(alpha=0.1), 1)], "≤ 1")
    job("elastic net", "100k × 20", ("elastic_net", {"alpha": 0.1}), [(sk, lambda: ElasticNet(alpha=0.1), 1)], "≤ 1")
    job("SVM, RBF", "10k × 30", ("svm", {"probability": False}), [("libsvm", SVC, 1.2)], "≤ 1.2")
    job("SVM, linear", "100k × 30", ("svm", {"kernel": "linear", "probability": False}), [("LIBLINEAR", lambda: LinearSVC(loss="hinge", dual=True, random_state=0), 0.5)], "≤ 1/2")
    network = {"hidden_layer_sizes": [64, 32], "max_iter": 20}
    job("neural network (64, 32)", "100k × 30", ("neural_network", network), [(sk, lambda: MLPClassifier((64, 32), max_iter=20, random_state=0), 0.25)], "≤ 1/4")
    job("nearest neighbours", "15k × 30", ("knn", {}), [(sk, lambda: KNeighborsClassifier(n_jobs=int(THREADS)), 0.5)], "≤ 1/2")
    job("naive Bayes", "100k × 30", ("naive_bayes", {}), [(sk, GaussianNB, 1)], "")
    return found


# One fit in one process.


def memory(key):
    text = Path("/proc/self/status").read_text()
    return int(re.search(rf"{key}:\s+(\d+)", text).group(1)) / 1024


def work(job, place, folder):
    """Fits and predicts with the `place`th of the others, and prints what it took as JSON."""
    import time

    import numpy as np
    from sklearn.metrics import r2_score

    model = job["theirs"][place][1]()
    name = type(model).__module__.split(".")[0]
    version = __import__(name).__version__
    before = memory("VmRSS")

    def read(which):
        y = np.fromfile(folder / f"y{which}.bin")
        return np.fromfile(folder / f"x{which}-by-rows.bin").reshape(len(y), -1), y

    x, y = read("")
    cpu, wall = time.process_time(), time.perf_counter()
    model.fit(x, y)
    fit = (time.process_time() - cpu, time.perf_counter() - wall)
    peak = memory("VmHWM") - before
    xt, yt = read("t")
    cpu, wall = time.process_time(), time.perf_counter()
    said = model.predict_proba(xt) if hasattr(model, "predict_proba") else model.predict(xt)
    predict = (time.process_time() - cpu, time.perf_counter() - wall)
    if said.ndim == 2:
        said = model.classes_[said.argmax(axis=1)]
    score = float((said == yt).mean()) if len(np.unique(y)) <= 10 else float(r2_score(yt, said))
    print(json.dumps({"fit": fit, "predict": predict, "memory": peak, "score": score, "version": version}))


# Taking turns.


def built():
    command = ["cargo", "build", "--release", "--bench", "learners", "--message-format=json"]
    lines = subprocess.run(command, cwd=HERE.parent, stdout=subprocess.PIPE, check=True).stdout.splitlines()
    messages = [json.loads(line) for line in lines]
    return next(m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == "learners")


def write(folder, rows, make):
    """The rows of a data set as files of floats: column after column for us, and row after row for the others, so that
    nobody needs a second copy of them."""
    import numpy as np

    target = folder / re.sub(r"\W+", "-", rows)
    if not (target / "yt.bin").exists():
        target.mkdir(parents=True, exist_ok=True)
        x, y, xt, yt = make()
        for name, part in [("x", x.T), ("xt", xt.T), ("x-by-rows", x), ("xt-by-rows", xt), ("y", y), ("yt", yt)]:
            np.ascontiguousarray(part, dtype=np.float64).tofile(target / f"{name}.bin")
    return target


def best(runs):
    least = lambda key: [min(run[key][at] for run in runs) for at in (0, 1)]
    return {**runs[0], "fit": least("fit"), "predict": least("predict"), "memory": min(run["memory"] for run in runs)}


def told(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        return {"error": done.stderr.decode().strip().splitlines()[-1][:200]}
    return json.loads(done.stdout.splitlines()[-1])


def ratio(ours, theirs):
    return f"{ours / theirs:.2f}" if theirs > 0 else "–"


def measure(arguments, program, folder):
    sets = datasets(arguments)
    lines = [
        "| model | rows | beside | fit: CPU s | ratio | wall s | predict: CPU s | ratio | memory: MB | ratio | score | aim |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    versions = {}
    for number, job in enumerate(jobs(arguments)):
        if arguments.only and arguments.only not in f"{job['name']} {job['rows']}":
            continue
        kind, make = sets[job["rows"]]
        place = write(folder, job["rows"], make)
        model, settings = job["ours"]
        ours, theirs = [], [[] for _ in job["theirs"]]
        for _ in range(arguments.times):
            ours.append(told([program, "--work", str(place), kind, model, json.dumps(settings)]))
            for at in range(len(theirs)):
                command = [sys.executable, __file__, "--work", f"{number}/{at}", "--folder", str(place)]
                if arguments.flights:
                    command += ["--flights", arguments.flights]
                theirs[at].append(told(command))
        if "error" in ours[0]:
            lines.append(f"| {job['name']} | {job['rows']} | | {ours[0]['error']} |")
            print(lines[-1], flush=True)
            continue
        us = best(ours)
        for (label, _, _), runs in zip(job["theirs"], theirs):
            if "error" in runs[0]:
                sys.exit(f"{label}: {runs[0]['error']}")
            them = best(runs)
            versions[label] = them["version"]
            pair = lambda key, at=0: f"{us[key][at]:.2f} / {them[key][at]:.2f}"
            cells = [
                job["name"], job["rows"], label, pair("fit"), ratio(us["fit"][0], them["fit"][0]), pair("fit", 1),
                pair("predict"), ratio(us["predict"][0], them["predict"][0]),
                f"{us['memory']:.0f} / {them['memory']:.0f}", ratio(us["memory"], them["memory"]),
                f"{us['score']:.4f} / {them['score']:.4f}", job["aim"],
            ]
            lines.append("| " + " | ".join(cells) + " |")
            print(lines[-1], flush=True)
    named = ", ".join(f"{label} {version}" for label, version in sorted(versions.items()))
    cpu = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    machine = f"{cpu.group(1) if cpu else platform.processor()}, 2 threads, {platform.system()}, Python {platform.python_version()}"
    return lines + ["", f"Beside {named}. {machine}."]


def growth(arguments, program, folder):
    sets = datasets(arguments)
    lines = ["| model | 10k × 20 | 100k × 20 | 1M × 20 | ×10 | ×10 |", "| --- | --- | --- | --- | --- | --- |"]
    many = [
        ("random_forest", {"n_estimators": 20}), ("extra_trees", {"n_estimators": 20}), ("decision_tree", {}),
        ("gradient_boosting", {"n_estimators": 50}), ("logistic_regression", {}), ("naive_bayes", {}),
        ("neural_network", {"hidden_layer_sizes": [32], "max_iter": 3}),
        ("svm", {"kernel": "linear", "probability": False}),
    ]
    for model, settings in many:
        if arguments.only and arguments.only not in f"growth {model}":
            continue
        took = []
        for rows in ["10k × 20", "100k × 20, classes", "1M × 20"]:
            place = write(folder, rows, sets[rows][1])
            runs = [told([program, "--work", str(place), "classes", model, json.dumps(settings)]) for _ in range(arguments.times)]
            took.append(best(runs)["fit"][0] if "error" not in runs[0] else float("nan"))
        cells = [f"{seconds:.2f} s" for seconds in took] + [ratio(took[1], took[0]), ratio(took[2], took[1])]
        lines.append(f"| {model} | " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flights")
    parser.add_argument("--only")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--program", help="the built benches/learners.rs")
    parser.add_argument("--folder", help="where the rows are kept from run to run")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        number, at = map(int, arguments.work.split("/"))
        return work(jobs(arguments)[number], at, Path(arguments.folder))
    program = arguments.program or built()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(arguments.folder or scratch)
        tables = {"learners": measure(arguments, program, folder), "growth": growth(arguments, program, folder)}
    if arguments.write:
        page = HERE.parent / "docs" / "performance.md"
        text = page.read_text()
        for name, lines in tables.items():
            begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
            head, rest = text.split(begin)
            text = head + begin + "\n" + "\n".join(lines) + "\n" + end + rest.split(end)[1]
        page.write_text(text)


main()
