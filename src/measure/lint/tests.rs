//! Each construct that an engine answers wrongly or refuses has an example that the linter refuses.

use super::lint;
use crate::measure::signals::shipped;

const TABLES: [&str; 2] = ["t", "params"];

/// The message about a query; empty where it passes.
fn message(sql: &str) -> String {
    lint("mine.sql", sql, &TABLES).err().map(|error| error.to_string()).unwrap_or_default()
}

#[track_caller]
fn refused(sql: &str, told: &str) {
    let message = message(sql);
    assert!(message.starts_with("mine.sql: ") && message.contains(told), "{sql}\n{message}");
}

#[test]
fn every_shipped_query_passes() {
    let facts = crate::measure::facts::empty().unwrap();
    let tables: Vec<&str> = facts.keys().copied().collect();
    for query in shipped() {
        let answer = lint(&query.slug, &query.sql, &tables);
        assert!(answer.is_ok(), "{}", answer.unwrap_err());
    }
}

#[test]
fn what_works_everywhere_passes() {
    for sql in [
        "WITH a AS (SELECT t.k, CAST(ROW_NUMBER() OVER (PARTITION BY t.k ORDER BY t.v, t.w) AS BIGINT) AS rank_no, \
         CAST(COUNT(*) OVER (PARTITION BY t.k) AS BIGINT) AS n, t.v FROM t) \
         SELECT a.k, MIN(CASE WHEN a.rank_no * 100 >= 85 * a.n THEN a.v END) AS p FROM a GROUP BY a.k ORDER BY k",
        "WITH a AS (SELECT t.k, SUM(t.v) OVER (ORDER BY t.w ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS run FROM t) \
         SELECT a.k, a.run - LAG(a.run, 5) OVER (ORDER BY a.k) AS five FROM a",
        "SELECT t.k, CAST(FLOOR(MEDIAN(t.v) / 60) AS BIGINT) AS hours FROM t CROSS JOIN params AS p \
         WHERE t.v BETWEEN 1 AND 9 AND t.k IN ('a', 'b') GROUP BY t.k HAVING COUNT(*) > 3",
        "SELECT t.k FROM t LEFT JOIN t AS o ON t.k = o.k AND t.v = o.v JOIN t AS u ON t.k = u.k AND t.v >= u.w",
        "SELECT t.k, SUM(t.v) FILTER (WHERE t.w > 1) AS v, COUNT(DISTINCT t.w) / NULLIF(SUM(t.v), 0) AS r FROM t GROUP BY t.k",
        "SELECT t.k FROM t WHERE EXISTS (SELECT 1 FROM t AS o WHERE o.k = t.k) UNION ALL SELECT DISTINCT t.k FROM t",
    ] {
        assert_eq!(message(sql), "", "{sql}");
    }
}

#[test]
fn what_polars_answers_wrongly_is_refused() {
    refused("SELECT t.k FROM t LEFT JOIN t AS b ON t.k = b.k AND b.v > 0", "INNER JOIN");
    refused("SELECT t.k FROM t LEFT JOIN t AS b ON t.k = b.k AND t.v > b.v", "INNER JOIN");
    refused("SELECT 1 - COUNT(*) AS x FROM t", "4294967291");
    refused("SELECT COUNT(*) AS n FROM t", "CAST(… AS BIGINT)");
    refused("SELECT LENGTH(t.k) * 2 AS n FROM t", "CAST(… AS BIGINT)");
    refused("SELECT SUM(CAST(t.v AS INT)) AS x FROM t", "BIGINT");
    refused("SELECT LAG(t.v, 1) OVER (ORDER BY t.w NULLS LAST) AS x FROM t", "never NULL");
    refused("SELECT t.k FROM t ORDER BY t.k NULLS FIRST", "never NULL");
    refused("SELECT SUM(SUM(t.v)) OVER (PARTITION BY t.k) AS x FROM t GROUP BY t.k", "per group");
    refused(
        "SELECT SUM(1) OVER (ORDER BY t.v ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS x FROM t",
        "1 on each row",
    );
    refused("SELECT SUM(t.v) OVER (ORDER BY t.w) AS x FROM t", "ROWS BETWEEN UNBOUNDED PRECEDING");
    refused("SELECT LAST_VALUE(t.v) OVER (ORDER BY t.w) AS x FROM t", "current row");
    refused("SELECT t.v % 3 AS x FROM t", "ABS");
}

#[test]
fn what_differs_by_engine_is_refused() {
    refused("SELECT t.\"k\" FROM t", "without quotes");
    refused("SELECT CAST(t.v / 60 AS BIGINT) AS x FROM t", "FLOOR");
    refused("SELECT ROUND(t.v) AS x FROM t", "halves");
    refused("SELECT EXTRACT(DOW FROM t.v) AS x FROM t", "integer days");
    refused("SELECT t.k || 'a' AS x FROM t", "NULL");
    refused("SELECT CONCAT(t.k, 'a') AS x FROM t", "NULL");
    refused("SELECT t.v + INTERVAL '1' DAY AS x FROM t", "integer days");
    refused("SELECT CAST(t.v AS DECIMAL(10, 2)) AS x FROM t", "BIGINT, DOUBLE or VARCHAR");
}

#[test]
fn what_polars_refuses_is_refused_with_a_way_out() {
    refused("SELECT (SELECT MAX(t.v) FROM t) AS x FROM t", "make it a step");
    refused("SELECT t.k FROM t WHERE t.k IN (SELECT t.k FROM t)", "make it a step");
    refused("SELECT t.k FROM t WHERE EXISTS (SELECT 1 FROM t AS o WHERE o.v > t.v)", "equal columns");
    refused("SELECT t.k FROM t WHERE EXISTS (SELECT 1 FROM t AS o WHERE o.v = t.v LIMIT 1)", "equal columns");
    refused("SELECT PERCENTILE_CONT(0.85) WITHIN GROUP (ORDER BY t.v) AS x FROM t", "nearest rank");
    refused("SELECT t.k FROM t, LATERAL (SELECT t.v FROM t) AS l", "exactly one table");
    refused("SELECT t.k FROM t JOIN LATERAL (SELECT t.v FROM t) AS l ON t.k = l.v", "LATERAL");
    refused("WITH RECURSIVE a AS (SELECT t.k FROM t) SELECT a.k FROM a", "unroll");
    refused("SELECT t.k FROM t GROUP BY GROUPING SETS ((t.k), ())", "UNION ALL");
    refused("SELECT t.k FROM t GROUP BY ROLLUP (t.k)", "UNION ALL");
    refused("SELECT SUM(t.v) FILTER (WHERE t.w > 1) OVER (PARTITION BY t.k) AS x FROM t", "CASE inside");
    for frame in ["ROWS 3 PRECEDING", "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"] {
        refused(&format!("SELECT SUM(t.v) OVER (ORDER BY t.w {frame}) AS x FROM t"), "ROWS BETWEEN");
    }
    refused("SELECT t.k FROM t JOIN t AS o ON t.v BETWEEN o.v AND o.w", ">= and <=");
    refused("SELECT LAG(t.v, 1, 0) OVER (ORDER BY t.w) AS x FROM t", "COALESCE");
    refused("SELECT CAST(RANK() OVER (ORDER BY t.w DESC, t.v) AS BIGINT) AS x FROM t", "one direction");
    refused("SELECT DATE_TRUNC('week', t.v) AS x FROM t", "integer days");
    refused("SELECT t.v AT TIME ZONE 'UTC' AS x FROM t", "integer days");
    refused("SELECT t.v > TIMESTAMP '2026-01-01 00:00:00' AS x FROM t", "integer days");
    refused("SELECT t.v + 1 AS w, w + 1 AS x FROM t", "names of the same SELECT");
    refused("SELECT t.Day FROM t", "lower-case");
}

#[test]
fn what_spark_or_duckdb_refuses_is_refused() {
    refused("SELECT QUANTILE_CONT(t.v, 0.85) AS x FROM t", "nearest rank");
    refused("SELECT CAST(t.v AS VARCHAR) AS x FROM t", "VARCHAR(255)");
    refused("SELECT t.v / t.w AS x FROM t", "NULLIF");
    refused("SELECT t.v / 0 AS x FROM t", "NULLIF");
    refused("SELECT DISTINCT ON (t.k) t.k FROM t", "take the first");
    refused("SELECT t.k FROM generate_series(1, 3) AS t", "plain names");
    refused("SELECT CAST(COUNT(DISTINCT t.v) OVER (PARTITION BY t.k) AS BIGINT) AS x FROM t", "count in a step");
    refused("SELECT CAST(t.v AS DOUBLE PRECISION) AS x FROM t", "DOUBLE");
    refused("SELECT REGEXP_LIKE(t.k, 'a') AS x FROM t", "regular expressions");
}

#[test]
fn what_is_on_no_list_is_refused_too() {
    refused("SELECT * FROM t", "name every column");
    refused("SELECT t.k FROM t; SELECT t.k FROM t", "exactly one query");
    refused("DELETE FROM t", "exactly one query");
    refused("SELECT t.k FRO t WHERE", "cannot be parsed");
    refused("SELECT o.k FROM other AS o", "known here: params, t");
    refused("SELECT t.k FROM t LIMIT 3", "every row");
    refused("SELECT t.k FROM t UNION SELECT t.k FROM t", "UNION ALL");
    refused("SELECT t.k FROM t CROSS JOIN t AS o", "one-row table params");
    refused("SELECT t.k FROM t FULL OUTER JOIN t AS o ON t.k = o.k", "LEFT JOIN");
    refused("SELECT t.k FROM (SELECT t.k FROM t) AS t", "make it a step");
    refused("SELECT UPPER(t.k) AS x FROM t", "outside the portable subset");
    refused("SELECT t.k FROM t WHERE t.k LIKE 'a%'", "outside the portable subset");
    refused("SELECT SUM(t.v) OVER w AS x FROM t WINDOW w AS (PARTITION BY t.k)", "after its OVER");
    refused("SELECT t.k FROM t QUALIFY SUM(t.v) OVER (PARTITION BY t.k) > 1", "step of its own");
}
