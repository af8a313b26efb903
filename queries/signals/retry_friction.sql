-- retry_friction: of the changes that people merged on this working day, how many had at least two checks that failed
-- and then passed on the same commit, or waited more than one working day for their checks.
-- Grain: one row per merged change that has check runs. Needs `check-runs = true` for its GitHub.
-- Cannot see: checks that run elsewhere, and which check a run belongs to: a run that began after a failure had ended
-- is taken for its repetition.
SELECT c.team, c.day, c.person, c.item,
       1 AS n,
       CASE WHEN c.repeated >= 2 OR c.waited_minutes > c.day_minutes THEN 1 ELSE 0 END AS x
FROM checked_changes AS c
ORDER BY c.team, c.day, c.item
