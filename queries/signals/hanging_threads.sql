-- hanging_threads: of the remarks that members wrote in reviews and discussions and that were decided on this working
-- day, how many had no answer by anybody else for two working days while their item was open. A remark is decided by
-- its first answer or by the end of two working days; a resolved thread counts as answered.
-- Grain: one row per remark that opened a conversation. The person is who wrote it.
-- Cannot see: what was asked, and answers given by a change, in a call or at the desk.
SELECT t.team, t.day, t.person, t.item,
       1 AS n,
       t.left_open AS x
FROM threads AS t
ORDER BY t.team, t.day, t.item
