-- overfull_plan: of the items of a sprint, how many stand in its plan on the evening of its first working day, and how
-- many were finished when it ended, for the person-days that are available in it.
-- The notice stage compares each plan with the results of the last sprints before it, once, on its first night.
-- Grain: one row per sprint, side and person. The column item says which side of which sprint it is (`plan 2026-09-07`,
-- `result 2026-09-07`); it never names a work item here.
-- Cannot see: the size of items, what was agreed to stay open, and plans outside the tracker.
SELECT s.team, s.day, s.person, s.side AS item,
       CAST(SUM(s.person_days) AS BIGINT) AS n,
       CAST(SUM(s.items) AS BIGINT) AS x
FROM sprint_work AS s
GROUP BY s.team, s.day, s.person, s.side
ORDER BY s.team, s.day, s.side, s.person
