-- fast_approvals: of the changes of more than 200 lines that were merged on this working day, how many got their first
-- approval by a human other than the author less than ten minutes after they became ready for review.
-- Grain: one row per change. The person is its author.
-- Cannot see: a review while pairing, agreement beforehand, and which lines are generated.
SELECT c.team, c.day, c.person, c.item,
       1 AS n,
       CASE WHEN c.approved_minutes IS NOT NULL AND c.approved_minutes < 10 THEN 1 ELSE 0 END AS x
FROM closed_changes AS c
WHERE c.merged = 1 AND c.lines > 200
ORDER BY c.team, c.day, c.item
