-- returning_work: of the tickets and changes that were finished on this working day or came back on it, how many came
-- back: reopened or reverted within 14 days of being finished, or moved back to waiting after review or test. Steps
-- back that a project takes as a normal hand-over are learned and left out.
-- Grain: one row per item and day; the notice stage counts an item once per window.
-- Cannot see: who asked for the change, and work that is done again under a new ticket.
SELECT r.team, r.day, r.person, r.item,
       1 AS n,
       MAX(r.returned) AS x
FROM item_returns AS r
GROUP BY r.team, r.day, r.person, r.item
ORDER BY r.team, r.day, r.item, r.person
