-- stalled_work: of the items in progress at the end of a working day, how many are older than 85 in 100
-- finished items of this team and type ever became (the team's own limit of cycle time, fixed per ISO week).
-- Grain: one row per item and working day. The notice stage takes medians of days, since the same items persist.
-- Cannot see: why an item rests, work that no ticket shows, and help that was asked for in a call.
SELECT d.team, d.day, d.person, d.item,
       1 AS n,
       CASE WHEN d.age_minutes > d.limit_minutes THEN 1 ELSE 0 END AS x
FROM item_days AS d
WHERE d.limit_minutes IS NOT NULL
ORDER BY d.team, d.day, d.item
