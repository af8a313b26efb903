-- meeting_load: of the available person-days with a readable calendar, how many had more meeting time than 85 in 100
-- person-days of this team had before (the team's own limit, fixed per ISO week). Overlaps are merged, not added.
-- Grain: one row per person and working day.
-- Cannot see: what a meeting was about, and meetings that stand in no calendar.
SELECT p.team, p.day, p.person, CAST(NULL AS VARCHAR(255)) AS item,
       1 AS n,
       CASE WHEN p.meeting_minutes > p.meeting_limit_minutes THEN 1 ELSE 0 END AS x
FROM person_days AS p
WHERE p.available = 1 AND p.calendar_read = 1 AND p.meeting_limit_minutes IS NOT NULL
ORDER BY p.team, p.day, p.person
