-- late_disagreement: of the changes that were merged or closed on this working day, how many were asked to be changed in
-- four rounds or more, or were closed without being merged after more than five working days.
-- Grain: one row per change. The person is its author. No list: a link would show one author and one reviewer.
-- Cannot see: what the rounds were about, and whether they were welcome.
SELECT c.team, c.day, c.person, CAST(NULL AS VARCHAR(255)) AS item,
       1 AS n,
       CASE WHEN c.change_rounds >= 4 OR (c.merged = 0 AND c.open_minutes > 5 * c.day_minutes) THEN 1 ELSE 0 END AS x
FROM closed_changes AS c
ORDER BY c.team, c.day, c.person
