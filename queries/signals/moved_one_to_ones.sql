-- moved_one_to_ones: of the leader's own recurring entries with exactly two people, how many were cancelled or moved by
-- more than two working days. No test: a reminder where two or more of at least six went that way in the last 20
-- working days, in the leader's own edition alone.
-- Grain: one row per entry, on the working day for which it was planned.
-- Cannot see: who asked for the change, and entries that were deleted without a trace.
SELECT o.team, o.day, o.person, CAST(NULL AS VARCHAR(255)) AS item,
       1 AS n,
       CASE WHEN o.cancelled = 1 OR o.moved_workdays > 2 THEN 1 ELSE 0 END AS x
FROM one_to_ones AS o
ORDER BY o.team, o.day, o.person
