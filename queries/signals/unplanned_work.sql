-- unplanned_work: of the items that were first begun on this working day, how many came into their sprint more than one
-- working day after it began, were incidents, hotfixes or expedite work, or, outside sprints, were begun within one
-- working day of their creation. Items under one incident bear its key and count once.
-- Grain: one row per item; the notice stage counts an item once per window.
-- Cannot see: room that was kept for such work on purpose, and work that no ticket shows.
SELECT s.team, s.day, s.person, s.item,
       1 AS n,
       MAX(GREATEST(s.added_late, s.urgent, s.begun_at_once)) AS x
FROM item_starts AS s
GROUP BY s.team, s.day, s.person, s.item
ORDER BY s.team, s.day, s.item, s.person
