-- too_much_at_once: of the items of the team, how many are in progress at the end of a working day, for the people
-- who are there.
-- The notice stage takes the median of days; five person-days stand for one person, so that a week and both windows
-- are counted alike.
-- Grain: one row per person and working day; items that nobody has are one row without a person.
-- Cannot see: how large an item is, and work that no ticket shows.
WITH open_items AS (
    SELECT d.team, d.day, d.person, 0 AS n, 1 AS x
    FROM item_days AS d
),
people AS (
    SELECT p.team, p.day, p.person, 5 AS n, 0 AS x
    FROM person_days AS p
    WHERE p.available = 1 AND p.day_no = p.own_day_no
),
both_sides AS (
    SELECT o.team, o.day, o.person, o.n, o.x FROM open_items AS o
    UNION ALL
    SELECT p.team, p.day, p.person, p.n, p.x FROM people AS p
)
SELECT b.team, b.day, b.person, CAST(NULL AS VARCHAR(255)) AS item,
       CAST(SUM(b.n) AS BIGINT) AS n,
       CAST(SUM(b.x) AS BIGINT) AS x
FROM both_sides AS b
GROUP BY b.team, b.day, b.person
ORDER BY b.team, b.day, b.person
