-- moving_dates: of the items whose date came due or was moved later on this working day, how many moved later
-- or were still open at the end of their sprint. Edits within ten minutes are one edit.
-- Grain: one row per item and day; the notice stage counts an item once per window.
-- Cannot see: who asked for a date, and dates that were agreed outside the tracker.
SELECT p.team, p.day, p.person, p.item,
       1 AS n,
       MAX(GREATEST(p.moved_later, p.carried_over)) AS x
FROM planned_items AS p
GROUP BY p.team, p.day, p.person, p.item
ORDER BY p.team, p.day, p.item, p.person
