-- work_on_days_off: of the working days on which members were away, how many had at least two human events of the
-- person who was away.
-- Grain: one row per person and day of absence.
-- Cannot see: work that leaves no trace, and whether a hand-over was agreed.
SELECT a.team, a.day, a.person, CAST(NULL AS VARCHAR(255)) AS item,
       1 AS n,
       CASE WHEN a.events >= 2 THEN 1 ELSE 0 END AS x
FROM absence_days AS a
ORDER BY a.team, a.day, a.person
