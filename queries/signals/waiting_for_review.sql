-- waiting_for_review: of the review requests that were decided on this working day, how many waited a whole
-- working day without a first human answer. A request is decided by its first answer or by the end of one working day.
-- Grain: one row per request. The person is the author of the change.
-- Cannot see: answers given in a call or in chat.
SELECT r.team, r.day, r.person, r.item,
       1 AS n,
       CASE WHEN r.answered = 0 OR r.waited_minutes >= r.day_minutes THEN 1 ELSE 0 END AS x
FROM review_requests AS r
ORDER BY r.team, r.day, r.item
