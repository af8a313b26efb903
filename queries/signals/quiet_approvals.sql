-- quiet_approvals: of the changes of more than 50 lines that were merged on this working day, how many met neither a
-- comment nor a question of a human other than the author before they were merged. An approval without text is quiet.
-- Grain: one row per change. The person is its author. Repositories in which fewer than half of the merged changes of
-- the baseline were reviewed are left out.
-- Cannot see: talk while pairing, in a call or a design note, comments on single commits, and which lines are generated.
SELECT c.team, c.day, c.person, c.item,
       1 AS n,
       1 - c.spoken AS x
FROM closed_changes AS c
WHERE c.merged = 1 AND c.lines > 50 AND c.review_habit = 1
ORDER BY c.team, c.day, c.item
