"""Asks other engines the shipped signal queries, unchanged, over exported facts, and compares their answers with the
evidence that undercurrent computed, row for row.

    compare.py EXPORT QUERIES [--every] ENGINE…       EXPORT: made by `undercurrent store export`; ENGINE: duckdb, spark

Every engine writes its answers as Parquet; DuckDB compares them, duplicates counted. Ends with 1 if any differs, and,
with `--every`, also if a query has no rows at all, since equality would then prove nothing.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import duckdb

COLUMNS = ["team", "day", "person", "item", "n", "x"]
KINDS = ["VARCHAR", "DATE", "BIGINT", "VARCHAR", "BIGINT", "BIGINT"]


def answers_of_duckdb(facts, queries, out):
    """One file of rows per query."""
    engine = duckdb.connect()
    engine.execute("SET TimeZone = 'UTC'")
    for file in facts:
        engine.execute(f"CREATE VIEW {file.stem} AS SELECT * FROM read_parquet('{file}')")
    for query in queries:
        relation = engine.sql(query.read_text())
        # Sums are 128 bits wide here, which Parquet has no kind for.
        narrow = ("BIGINT" if kind == "HUGEINT" else kind for kind in map(str, relation.types))
        casts = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in zip(relation.columns, narrow))
        relation.project(casts).write_parquet(str(out / f"{query.stem}.parquet"))


def answers_of_spark(facts, queries, out):
    """One folder of files per query. Two local cores, and few partitions: the tables are small."""
    if "JAVA_HOME" not in os.environ and shutil.which("java") is None:
        sys.exit("Spark needs Java 17 or later (on Debian: apt-get install default-jre-headless)")
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.master("local[2]")
        .appName("undercurrent oracle")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    for file in facts:
        spark.read.parquet(str(file)).createOrReplaceTempView(file.stem)
    for query in queries:
        spark.sql(query.read_text()).write.parquet(str(out / f"{query.stem}.parquet"))
    spark.stop()


ENGINES = {"duckdb": answers_of_duckdb, "spark": answers_of_spark}


def rows(path):
    """A relation over one file, or over a folder of them."""
    return f"read_parquet('{path}/*.parquet')" if path.is_dir() else f"read_parquet('{path}')"


def shape(judge, path):
    """Names and kinds of the columns; every integer width is one kind."""
    described = judge.sql(f"DESCRIBE SELECT * FROM {rows(path)}").fetchall()
    whole = {"INTEGER", "UINTEGER", "UBIGINT", "HUGEINT", "SMALLINT"}
    return [(row[0], "BIGINT" if row[1] in whole else row[1]) for row in described]


def compare(judge, name, ours, theirs, engine, every):
    """Whether both hold the same rows; prints one line, and examples of what differs."""
    wanted = list(zip(COLUMNS, KINDS))
    for path in (ours, theirs):
        found = shape(judge, path)
        # A column that is wholly null has whatever kind the engine gives to null.
        kinds = [(c, k if f == k or not only_null(judge, path, c) else f) for (c, k), (_, f) in zip(wanted, found)]
        if len(found) != len(wanted) or found != kinds:
            print(f"{name:<24} {engine}: the columns are {found}")
            return False
    typed = ", ".join(f"CAST({c} AS {k}) AS {c}" for c, k in wanted)
    left, right = (f"SELECT {typed} FROM {rows(path)}" for path in (ours, theirs))
    extra = judge.sql(f"{left} EXCEPT ALL {right}").fetchall()
    missing = judge.sql(f"{right} EXCEPT ALL {left}").fetchall()
    count = judge.sql(f"SELECT COUNT(*) FROM {rows(ours)}").fetchone()[0]
    same = not extra and not missing
    verdict = "DIFFERENT" if not same else "equal" if count else "both empty"
    print(f"{name:<24} {engine:<7} {count:>8} rows  {verdict}", flush=True)
    for who, examples in [(engine, missing), ("undercurrent", extra)]:
        for row in examples[:3]:
            print(f"  only {who} ({len(examples)}): {row}")
    return same and (count > 0 or not every)


def only_null(judge, path, column):
    return judge.sql(f"SELECT COUNT({column}) FROM {rows(path)}").fetchone()[0] == 0


def main(export, folder, engines, every):
    facts = sorted((export / "facts").glob("*.parquet"))
    queries = sorted(folder.glob("*.sql"))
    stored = {file.stem for file in (export / "evidence").glob("*.parquet")}
    if {query.stem for query in queries} != stored or not queries:
        sys.exit(f"queries and evidence are not the same signals: {sorted({q.stem for q in queries} ^ stored)}")
    judge, wrong = duckdb.connect(), 0
    for engine in engines:
        with tempfile.TemporaryDirectory() as work:
            ENGINES[engine](facts, queries, Path(work))
            for query in queries:
                ours, theirs = export / "evidence" / f"{query.stem}.parquet", Path(work) / f"{query.stem}.parquet"
                wrong += not compare(judge, query.stem, ours, theirs, engine, every)
    if wrong:
        sys.exit(f"{wrong} answers differ")


if __name__ == "__main__":
    chosen = [word for word in sys.argv[3:] if word != "--every"]
    if not chosen or set(chosen) - set(ENGINES):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), chosen, every="--every" in sys.argv)
