-- moving_goals: of the items whose first week in progress ended on this working day, how many had a field of their
-- goal changed in that week: acceptance, estimate, parent or priority, more than an hour after the start.
-- Grain: one row per item; the week is five working days, or ends with the item if that is earlier.
-- Cannot see: what a field says, and goals that moved in a talk without a trace.
SELECT s.team, s.day, s.person, s.item,
       1 AS n,
       CASE WHEN s.goal_changes > 0 THEN 1 ELSE 0 END AS x
FROM started_items AS s
ORDER BY s.team, s.day, s.item
