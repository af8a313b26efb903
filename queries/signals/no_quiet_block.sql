-- no_quiet_block: of the available person-days with a readable calendar, how many had no two free hours in a row
-- inside the person's own working hours.
-- Grain: one row per person and working day. Focus entries do not block; declined and cancelled ones neither.
-- Cannot see: interruptions by chat, and whether an entry was a private hold.
SELECT p.team, p.day, p.person, CAST(NULL AS VARCHAR(255)) AS item,
       1 AS n,
       CASE WHEN p.longest_free_minutes < 120 THEN 1 ELSE 0 END AS x
FROM person_days AS p
WHERE p.available = 1 AND p.calendar_read = 1
ORDER BY p.team, p.day, p.person
