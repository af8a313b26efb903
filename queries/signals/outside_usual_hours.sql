-- outside_usual_hours: of the available person-days, and the non-working days with activity, how many had at least
-- two human events outside the person's own usual hours, or on a non-working day. On-call turns and people
-- whose zone is unknown are left out.
-- Grain: one row per person and day. A non-working day counts on the team's next working day.
-- Cannot see: work that leaves no trace, and whether the hours were chosen freely.
WITH active_days AS (
    SELECT p.team, p.day, p.person, p.available,
           CASE WHEN p.events_outside >= 2 THEN 1 ELSE 0 END AS outside
    FROM person_days AS p
    WHERE p.on_call = 0 AND p.clock_known = 1
)
SELECT a.team, a.day, a.person, CAST(NULL AS VARCHAR(255)) AS item,
       CAST(COUNT(*) AS BIGINT) AS n,
       SUM(a.outside) AS x
FROM active_days AS a
WHERE a.available = 1 OR a.outside = 1
GROUP BY a.team, a.day, a.person
ORDER BY a.team, a.day, a.person
