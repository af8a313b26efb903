-- waiting_on_others: of the available person-days, counted beside the items that at the end of a working day bore a
-- flag, lay in a status in which the project parks work, were blocked by an open ticket of another team, or waited for
-- somebody outside the team to look at a change.
-- Grain: one row per person and day with n = 1, and one per waiting item and day with x = 1.
-- Cannot see: since when a link has stood, tickets that are not read, and who is behind a request to a whole team.
WITH waiting AS (
    SELECT b.team, b.day, b.person, b.item, 0 AS n, 1 AS x
    FROM item_blocked_days AS b
),
exposure AS (
    SELECT p.team, p.day, p.person, CAST(NULL AS VARCHAR(255)) AS item, 1 AS n, 0 AS x
    FROM person_days AS p
    WHERE p.available = 1
),
counted AS (
    SELECT w.team, w.day, w.person, w.item, w.n, w.x FROM waiting AS w
    UNION ALL
    SELECT e.team, e.day, e.person, e.item, e.n, e.x FROM exposure AS e
)
SELECT c.team, c.day, c.person, c.item, c.n, c.x
FROM counted AS c
ORDER BY c.team, c.day, c.item, c.person
