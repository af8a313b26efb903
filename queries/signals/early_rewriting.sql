-- early_rewriting: of the human changes that landed on the default branch 21 calendar days before this working day, how
-- many had at least one third of the lines that they added changed or taken away again within these 21 days.
-- The day is shifted by the 21 days, so that the last ten working days hold what landed 35 to 22 days ago, and the last
-- five what landed 28 to 22 days ago.
-- Grain: one row per change: a pull request where one is known, else a commit of the default branch. Moved lines stay
-- what they were; generated, binary and very large files are left out.
-- Cannot see: branches that were never merged, and whether the next step was planned.
SELECT r.team, r.day, r.person, r.item,
       1 AS n,
       CASE WHEN r.lines_added > 0 AND r.lines_changed_again * 3 >= r.lines_added THEN 1 ELSE 0 END AS x
FROM rewritten_changes AS r
ORDER BY r.team, r.day, r.item, r.person
