-- incident_interruptions: of the incidents, expedited tickets and hotfixes, how many were started on this working day,
-- for the people who were there. Tickets under one incident count once.
-- Grain: one row per available person and working day, and one per incident.
-- Cannot see: pages and calls that no ticket tells of, and how large an incident was.
SELECT i.team, i.day, i.person, i.item, 0 AS n, 1 AS x
FROM incidents AS i
UNION ALL
SELECT p.team, p.day, p.person, CAST(NULL AS VARCHAR(255)) AS item, 1 AS n, 0 AS x
FROM person_days AS p
WHERE p.available = 1
ORDER BY team, day, person, item
