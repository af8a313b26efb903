-- unlinked_work: of the changes that were merged on this working day, how many lead to no ticket by their title, their
-- branch or a closing link.
-- Grain: one row per change. The person is its author.
-- Cannot see: keys that are written elsewhere, and small things that need no ticket by agreement.
SELECT c.team, c.day, c.person, c.item,
       1 AS n,
       1 - c.linked AS x
FROM closed_changes AS c
WHERE c.merged = 1
ORDER BY c.team, c.day, c.item
