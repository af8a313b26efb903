-- fewer_voices: of the available person-days, counted beside the reviews, comments and replies that people wrote on
-- changes of others. The notice stage takes at most 15 of a person in ten days.
-- Grain: one row per person and day with n = 1, and one per person and day with what was written as x.
-- Cannot see: talk while pairing, in calls and in chat, and comments in the tracker.
WITH voiced AS (
    SELECT v.team, v.day, v.person, 0 AS n, v.said AS x
    FROM voices AS v
),
exposure AS (
    SELECT p.team, p.day, p.person, 1 AS n, 0 AS x
    FROM person_days AS p
    WHERE p.available = 1
),
counted AS (
    SELECT v.team, v.day, v.person, v.n, v.x FROM voiced AS v
    UNION ALL
    SELECT e.team, e.day, e.person, e.n, e.x FROM exposure AS e
)
SELECT c.team, c.day, c.person, CAST(NULL AS VARCHAR(255)) AS item, c.n, c.x
FROM counted AS c
ORDER BY c.team, c.day, c.person
